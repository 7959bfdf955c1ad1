package dev.slabstream.config;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;
import org.springframework.boot.system.ApplicationHome;

/// Finds the model that a setting names.
public final class ModelPath {
  private ModelPath() {}

  /// An absolute path as it is; a relative one in the working directory, then in the folder of the jar and the one above it, so that
  /// the embedded model is found from wherever the jar is started.
  ///
  /// @throws ModelUnusableException when there is nothing of that name
  public static Path find(String setting) {
    Path named = parse(setting);
    Set<Path> candidates = new LinkedHashSet<>();
    candidates.add(named.toAbsolutePath().normalize());
    if (!named.isAbsolute()) {
      Path home = new ApplicationHome(ModelPath.class).getDir().toPath().toAbsolutePath();
      candidates.add(home.resolve(named).normalize());
      if (home.getParent() != null) {
        candidates.add(home.getParent().resolve(named).normalize());
      }
    }
    return candidates.stream()
        .filter(Files::exists)
        .findFirst()
        .orElseThrow(() -> missing(setting, candidates));
  }

  private static Path parse(String setting) {
    try {
      return Path.of(setting);
    } catch (InvalidPathException e) {
      throw new ModelUnusableException(
          "slabstream.model.path is no path: " + setting + " (" + e.getReason() + ")", e);
    }
  }

  private static ModelUnusableException missing(String setting, Set<Path> candidates) {
    String places = String.join(", ", candidates.stream().map(Path::toString).toList());
    return new ModelUnusableException(
        "slabstream.model.path is " + setting + ", and there is no such file or folder: " + places,
        null);
  }
}
