package dev.slabstream;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class SlabstreamApplication {
  public static void main(String[] args) {
    SpringApplication.run(SlabstreamApplication.class, args);
  }
}
