package dev.slabstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// `bin/slabstream` with a stand-in for Java that writes down how it was called.
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a shell script")
class LauncherTest {
  @TempDir private Path folder;

  @BeforeEach
  void makeJava() throws IOException {
    Path java = folder.resolve("java");
    Files.writeString(
        java, "#!/bin/sh\necho \"LC_ALL=${LC_ALL:-}\"\nfor a; do echo \"$a\"; done\n");
    Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.createFile(folder.resolve("some.jar"));
  }

  @Test
  void aLocaleWithoutCharactersBeyondAsciiIsReplaced() throws Exception {
    assertThat(launch(Map.of())).startsWith("LC_ALL=C.UTF-8\n");
    assertThat(launch(Map.of("LC_ALL", "C", "LANG", "en_US.UTF-8"))).startsWith("LC_ALL=C.UTF-8\n");
    assertThat(launch(Map.of("LANG", "POSIX"))).startsWith("LC_ALL=C.UTF-8\n");
  }

  @Test
  void anyOtherLocaleStays() throws Exception {
    assertThat(launch(Map.of("LANG", "de_DE.UTF-8"))).startsWith("LC_ALL=\n");
    assertThat(launch(Map.of("LC_ALL", "de_DE.UTF-8", "LANG", "C")))
        .startsWith("LC_ALL=de_DE.UTF-8\n");
  }

  @Test
  void theVectorModuleAndAllArgumentsArePassedOn() throws Exception {
    assertThat(launch(Map.of(), "tokenize", "two words").lines())
        .contains("--add-modules=jdk.incubator.vector", "-jar")
        .endsWith("tokenize", "two words");
  }

  @Test
  void theFlagsAreThoseOfSpringBootRun() throws Exception {
    List<String> flags = new ArrayList<>(launch(Map.of()).lines().toList());
    flags.removeFirst();
    assertThat(flags.subList(0, flags.indexOf("-jar")))
        .containsExactlyElementsOf(
            List.of((pomProperty("jvm.flags") + " " + pomProperty("jvm.memory")).split(" ")));
  }

  private static String pomProperty(String name) throws IOException {
    Matcher matcher =
        Pattern.compile("<" + Pattern.quote(name) + ">([^<]+)</")
            .matcher(Files.readString(Path.of("pom.xml")));
    assertThat(matcher.find()).as(name).isTrue();
    return matcher.group(1);
  }

  private String launch(Map<String, String> locale, String... args) throws Exception {
    ProcessBuilder builder = new ProcessBuilder("bin/slabstream");
    builder.command().addAll(List.of(args));
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(name -> name.startsWith("LC_") || name.equals("LANG"));
    environment.putAll(locale);
    environment.keySet().removeIf(name -> name.startsWith("SLABSTREAM_"));
    environment.put("SLABSTREAM_JAVA", folder.resolve("java").toString());
    environment.put("SLABSTREAM_JAR", folder.resolve("some.jar").toString());
    Path out = folder.resolve("out");
    Process process = builder.redirectErrorStream(true).redirectOutput(out.toFile()).start();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return Files.readString(out);
  }
}
