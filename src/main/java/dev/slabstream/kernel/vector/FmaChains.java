package dev.slabstream.kernel.vector;

import dev.slabstream.kernel.PanelMath;
import jdk.incubator.vector.FloatVector;

/// Multiply-adds that touch registers only: as fast as the cores can.
final class FmaChains {
  private FmaChains() {}

  /// See [PanelMath#fmaChains]. A multiply-add takes some four cycles, and two begin in each: ten chains are a few more than keep
  /// them all busy, and no more than sixteen registers hold.
  static float run(int steps) {
    FloatVector half = FloatVector.broadcast(Lanes.F, PanelMath.FMA_FACTOR);
    FloatVector one = FloatVector.broadcast(Lanes.F, 1f);
    FloatVector a = FloatVector.zero(Lanes.F);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    FloatVector e = a;
    FloatVector f = a;
    FloatVector g = a;
    FloatVector h = a;
    FloatVector j = a;
    FloatVector k = a;
    for (int i = 0; i < steps; i++) {
      a = a.fma(half, one);
      b = b.fma(half, one);
      c = c.fma(half, one);
      d = d.fma(half, one);
      e = e.fma(half, one);
      f = f.fma(half, one);
      g = g.fma(half, one);
      h = h.fma(half, one);
      j = j.fma(half, one);
      k = k.fma(half, one);
    }
    return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(j).add(k).lane(0);
  }
}
