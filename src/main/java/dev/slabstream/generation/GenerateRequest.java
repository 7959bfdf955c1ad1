package dev.slabstream.generation;

/// @param inputs the prompt
/// @param parameters as sent
public record GenerateRequest(String inputs, GenerateParameters parameters) {}
