package dev.slabstream;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.slabstream.engine.FinishReason;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// The rules of `docs/architecture.md`, each with its reason.
class ArchitectureTest {
  private static final String ROOT = "dev.slabstream.";

  /// Package by package, which others of ours it may use. A sub-package counts with its parent.
  private static final Map<String, Set<String>> MAY_USE =
      Map.ofEntries(
          Map.entry("tensor", Set.of()),
          Map.entry("kernel", Set.of("tensor")),
          Map.entry("weights", Set.of("tensor")),
          Map.entry("tokenizer", Set.of()),
          Map.entry("kvcache", Set.of("tensor")),
          Map.entry("model", Set.of("kernel", "weights", "kvcache", "tensor")),
          Map.entry("sampling", Set.of("tensor", "kernel")),
          Map.entry("engine", Set.of("model", "kvcache", "sampling", "kernel", "tensor")),
          Map.entry("generation", Set.of("engine", "kvcache", "tokenizer", "sampling")),
          Map.entry("api", Set.of("generation")),
          Map.entry("observability", Set.of("generation", "engine", "kvcache")));

  // FinishReason is a word of every layer above the engine: generation's events hand it on.

  private static final JavaClasses OURS =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.slabstream");

  @TestFactory
  Stream<DynamicTest> packagesUseOnlyWhatTheyMay() {
    return MAY_USE.entrySet().stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey(), () -> usesOnly(entry.getKey(), entry.getValue())));
  }

  private static void usesOnly(String name, Set<String> others) {
    List<String> allowed = new ArrayList<>(List.of(ROOT + name + ".."));
    others.forEach(other -> allowed.add(ROOT + other + ".."));
    noClasses()
        .that(resideInAPackage(ROOT + name + ".."))
        .should()
        .dependOnClassesThat(
            resideInAPackage("dev.slabstream..")
                .and(resideOutsideOfPackages(allowed.toArray(String[]::new)))
                .and(not(equivalentTo(FinishReason.class))))
        .because("of our packages it may use " + others + " only")
        .check(OURS);
  }

  @Test
  void nothingBelowGenerationKnowsSpringReactorOrMicrometer() {
    noClasses()
        .that(
            resideInAnyPackage(
                ROOT + "tensor..",
                ROOT + "kernel..",
                ROOT + "weights..",
                ROOT + "tokenizer..",
                ROOT + "kvcache..",
                ROOT + "model..",
                ROOT + "sampling..",
                ROOT + "engine.."))
        .should()
        .dependOnClassesThat(
            resideInAnyPackage("org.springframework..", "reactor..", "io.micrometer.."))
        .because("the engine runs in a plain unit test")
        .check(OURS);
  }

  @Test
  void theVectorApiStaysInItsBackend() {
    noClasses()
        .that(resideOutsideOfPackages(ROOT + "kernel.vector.."))
        .should()
        .dependOnClassesThat(resideInAPackage("jdk.incubator.vector.."))
        .because("a JVM without the module must be able to load everything else")
        .check(OURS);
  }

  @Test
  void nd4jStaysInItsBackendAndInTheSlabsAllocation() {
    noClasses()
        .that(resideOutsideOfPackages(ROOT + "kernel.nd4j.."))
        .and()
        .doNotHaveSimpleName("Nd4jSlabMemory")
        .should()
        .dependOnClassesThat(resideInAnyPackage("org.nd4j..", "org.bytedeco.."))
        .because("ND4J holds the slab and is an independent witness, nothing else")
        .check(OURS);
  }

  @Test
  void offHeapMemoryHasFewOwners() {
    noClasses()
        .that(
            resideOutsideOfPackages(
                ROOT + "weights..", ROOT + "kvcache..", ROOT + "kernel..", ROOT + "engine.."))
        .should()
        .accessTargetWhere(arenaIsMade())
        .because("each arena has one owner, and the owners are known")
        .check(OURS);
  }

  @Test
  void numbersThatFeedAResultAreTheSameOnEveryMachine() {
    noClasses()
        .that(
            resideInAnyPackage(
                ROOT + "kernel..", ROOT + "model..", ROOT + "sampling..", ROOT + "engine.."))
        .and(resideOutsideOfPackages(ROOT + "kernel.nd4j.."))
        .should()
        .accessTargetWhere(boundedByUlpsOnly())
        .because("these functions of Math may differ by an ulp between machines and compilers")
        .check(OURS);
    noClasses()
        .that(resideInAPackage(ROOT + "kernel.vector.."))
        .should()
        .accessTargetWhere(floatReduction())
        .because("the order of a float reduction is not specified")
        .check(OURS);
    noClasses()
        .that(resideInAPackage(ROOT + "kernel.vector.."))
        .should()
        .accessTargetWhere(transcendentalLanes())
        .because("the vector library's functions are bounded by ulps only")
        .check(OURS);
  }

  private static DescribedPredicate<JavaAccess<?>> arenaIsMade() {
    return DescribedPredicate.describe(
        "an arena is made",
        access ->
            access.getTargetOwner().isEquivalentTo(Arena.class)
                && access.getTarget().getName().startsWith("of"));
  }

  private static DescribedPredicate<JavaAccess<?>> boundedByUlpsOnly() {
    Set<String> functions =
        Set.of("exp", "expm1", "tanh", "sin", "cos", "tan", "pow", "log", "log10", "log1p");
    return DescribedPredicate.describe(
        "a function of Math that is bounded by ulps only",
        access ->
            access.getTargetOwner().isEquivalentTo(Math.class)
                && functions.contains(access.getTarget().getName()));
  }

  private static DescribedPredicate<JavaAccess<?>> floatReduction() {
    return DescribedPredicate.describe(
        "a reduction of float lanes",
        access ->
            access.getTargetOwner().getName().endsWith("FloatVector")
                && access.getTarget().getName().startsWith("reduceLanes"));
  }

  private static DescribedPredicate<JavaAccess<?>> transcendentalLanes() {
    Set<String> operators =
        Set.of("EXP", "EXPM1", "TANH", "SIN", "COS", "TAN", "LOG", "LOG10", "LOG1P", "POW");
    return DescribedPredicate.describe(
        "a transcendental operator of the Vector API",
        access ->
            access.getTargetOwner().getName().endsWith("VectorOperators")
                && operators.contains(access.getTarget().getName()));
  }
}
