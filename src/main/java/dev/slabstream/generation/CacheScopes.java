package dev.slabstream.generation;

import dev.slabstream.kvcache.CacheScope;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Gives each request its scope of the prefix cache; null = it has nothing to do with it. Thread-safe.
final class CacheScopes {
  private final PrefixCacheScope setting;
  private final Consumer<CacheScope> forget;
  private final CacheScope global = new CacheScope();

  /// @param forget lets nothing stay of a scope
  CacheScopes(PrefixCacheScope setting, Consumer<CacheScope> forget) {
    this.setting = setting;
    this.forget = forget;
  }

  /// The scope of a new session.
  @Nullable CacheScope ofSession() {
    return switch (setting) {
      case SESSION -> new CacheScope();
      case GLOBAL -> global;
      case OFF -> null;
    };
  }

  /// The scope of a request without a session.
  @Nullable CacheScope withoutSession() {
    return setting == PrefixCacheScope.GLOBAL ? global : null;
  }

  /// The session with this scope is over.
  void ended(@Nullable CacheScope ofSession) {
    if (ofSession != null && setting == PrefixCacheScope.SESSION) {
      forget.accept(ofSession);
    }
  }
}
