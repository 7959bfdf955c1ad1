package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.vector.Lanes.F;

import dev.slabstream.kernel.Exponential;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// [Exponential#exp], lane by lane.
final class VectorExp {
  private VectorExp() {}

  static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.min(Exponential.HIGHEST).max(Exponential.LOWEST);
    FloatVector shifted =
        clamped.fma(
            FloatVector.broadcast(F, Exponential.LOG2_E),
            FloatVector.broadcast(F, Exponential.ROUNDER));
    IntVector n = shifted.reinterpretAsInts().sub(Exponential.ROUNDER_BITS);
    FloatVector rounded = shifted.sub(Exponential.ROUNDER);
    FloatVector r =
        rounded.fma(
            FloatVector.broadcast(F, -Exponential.LN2_LOW),
            rounded.fma(FloatVector.broadcast(F, -Exponential.LN2_HIGH), clamped));
    FloatVector p = FloatVector.broadcast(F, Exponential.C7);
    p = p.fma(r, FloatVector.broadcast(F, Exponential.C6));
    p = p.fma(r, FloatVector.broadcast(F, Exponential.C5));
    p = p.fma(r, FloatVector.broadcast(F, Exponential.C4));
    p = p.fma(r, FloatVector.broadcast(F, Exponential.C3));
    p = p.fma(r, FloatVector.broadcast(F, Exponential.C2));
    p = p.fma(r.mul(r), r).add(1f);
    IntVector half = n.lanewise(VectorOperators.ASHR, 1);
    return p.mul(powerOfTwo(half)).mul(powerOfTwo(n.sub(half)));
  }

  private static FloatVector powerOfTwo(IntVector n) {
    return n.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
  }
}
