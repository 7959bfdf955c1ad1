package dev.slabstream.tokenizer.template;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/// C's `strftime` in the C locale, with glibc's `%-d` for a number without padding.
record Strftime(ZonedDateTime time) {
  String format(String format) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      if (directive == '-' && i + 1 < format.length()) {
        out.append(withoutPadding(field(format.charAt(++i))));
      } else {
        out.append(field(directive));
      }
    }
    return out.toString();
  }

  private String field(char directive) {
    return switch (directive) {
      case 'Y' -> as("uuuu");
      case 'y' -> as("uu");
      case 'm' -> as("MM");
      case 'd' -> as("dd");
      case 'e' -> String.format(Locale.ROOT, "%2d", time.getDayOfMonth());
      case 'H' -> as("HH");
      case 'I' -> as("hh");
      case 'M' -> as("mm");
      case 'S' -> as("ss");
      case 'f' -> as("SSSSSS");
      case 'p' -> as("a");
      case 'a' -> as("EEE");
      case 'A' -> as("EEEE");
      case 'b', 'h' -> as("MMM");
      case 'B' -> as("MMMM");
      case 'j' -> as("DDD");
      case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
      case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
      case 'F' -> as("uuuu-MM-dd");
      case 'T', 'X' -> as("HH:mm:ss");
      case 'R' -> as("HH:mm");
      case 'D', 'x' -> as("MM/dd/uu");
      case 'c' -> as("EEE MMM ") + field('e') + as(" HH:mm:ss uuuu");
      case 'z' -> as("xx");
      case 'Z' -> as("zzz");
      case 'n' -> "\n";
      case 't' -> "\t";
      case '%' -> "%";
      default -> throw new TemplateFailure("strftime_now: unknown directive '%" + directive + "'");
    };
  }

  private String as(String pattern) {
    return time.format(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH));
  }

  private static String withoutPadding(String field) {
    int i = 0;
    while (i < field.length() - 1 && (field.charAt(i) == '0' || field.charAt(i) == ' ')) {
      i++;
    }
    return field.substring(i);
  }
}
