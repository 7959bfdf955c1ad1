package dev.slabstream.sampling;

import dev.slabstream.kernel.Exponential;
import java.util.Arrays;

/// The tokens that are still in the race, in ascending order of their ids, with their logits and weights. Working memory of
/// one thread, reused for every token; grows to the largest vocabulary.
///
/// No filter sorts the vocabulary. Each of them looks for the last candidate to keep, in an order by score, by
/// distributing the candidates over buckets and going on with the bucket in which the border lies ([#keepBest]); one pass
/// over the candidates then drops what lies behind it.
final class Candidates {
  private static final int NUM_BUCKETS = 2048;
  private static final int FEW = 32;

  private int size;
  private boolean bans;
  private int[] ids = {};
  private float[] logits = {};

  /// exp((logit - largest logit) / temperature): probability = weight / sum of weights
  private double[] weights = {};

  private double totalWeight;
  private double[] scores = {};
  private int[] members = {};
  private final double[] bucketMass = new double[NUM_BUCKETS];
  private double temperature;
  private float maxLogit;

  /// All tokens of the vocabulary; the place of a token is its id until something is dropped.
  void load(float[] source, int offset, int vocabSize) {
    if (ids.length < vocabSize) {
      ids = new int[vocabSize];
      logits = new float[vocabSize];
      weights = new double[vocabSize];
      scores = new double[vocabSize];
      members = new int[vocabSize];
    }
    size = vocabSize;
    bans = false;
    for (int i = 0; i < vocabSize; i++) {
      ids[i] = i;
    }
    System.arraycopy(source, offset, logits, 0, vocabSize);
  }

  float logit(int id) {
    return logits[id];
  }

  /// Makes a token impossible. Before anything is dropped.
  void ban(int id) {
    bans = true;
    logits[id] = Float.NEGATIVE_INFINITY;
  }

  /// Changes a logit, before anything is dropped. A banned token stays banned, and no finite change bans: what passes the
  /// range of a float is its largest value.
  void set(int id, double logit) {
    if (logits[id] != Float.NEGATIVE_INFINITY) {
      logits[id] = (float) Math.clamp(logit, -Float.MAX_VALUE, Float.MAX_VALUE);
    }
  }

  int mostLikely() {
    int best = 0;
    for (int i = 1; i < size; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return ids[best];
  }

  void dropBanned() {
    if (!bans) {
      return;
    }
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (logits[i] != Float.NEGATIVE_INFINITY) {
        move(i, kept++);
      }
    }
    size = kept;
  }

  void keepTopK(int k) {
    if (k == 0 || k >= size) {
      return;
    }
    scoreByLogit();
    Arrays.fill(weights, 0, size, 1);
    keepBest(k);
  }

  /// Gives every candidate its weight. One whose weight is zero cannot be drawn and is dropped.
  void weigh(double temperature) {
    this.temperature = temperature;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < size; i++) {
      max = Math.max(max, logits[i]);
    }
    maxLogit = max;
    double least = 1;
    double total = 0;
    for (int i = 0; i < size; i++) {
      double weight = Exponential.exp((float) exponent(i));
      weights[i] = weight;
      total += weight;
      least = Math.min(least, weight);
    }
    totalWeight = total;
    if (least == 0) {
      keepMinP(Double.MIN_VALUE);
    }
  }

  void keepTopP(double p) {
    if (p < 1) {
      double target = p * totalWeight;
      // Those below this weight have less than 1 - p together, so all of them lie behind the
      // border; in the usual peaked
      // distribution they are nearly all there is.
      keepMinP((1 - p) * totalWeight / size);
      scoreByLogit();
      keepBest(target);
    }
  }

  void keepMinP(double p) {
    if (p == 0) {
      return;
    }
    // The most likely candidate has the weight exp(0) = 1.
    int kept = 0;
    double total = 0;
    for (int i = 0; i < size; i++) {
      double weight = weights[i];
      if (weight >= p) {
        total += weight;
        move(i, kept++);
      }
    }
    totalWeight = total;
    size = kept;
  }

  void keepTypicalP(double p) {
    if (p == 1) {
      return;
    }
    double logTotal = StrictMath.log(totalWeight);
    double entropy = 0;
    for (int i = 0; i < size; i++) {
      entropy += weights[i] / totalWeight * (logTotal - exponent(i));
    }
    for (int i = 0; i < size; i++) {
      scores[i] = Math.abs(logTotal - exponent(i) - entropy);
    }
    keepBest(p * totalWeight);
  }

  /// The candidate at which the cumulative weight, in the order of ids, passes `uniform` of the whole.
  int draw(double uniform) {
    double target = uniform * totalWeight;
    double cumulative = 0;
    for (int i = 0; i < size; i++) {
      cumulative += weights[i];
      if (cumulative > target) {
        return ids[i];
      }
    }
    return ids[size - 1];
  }

  private double exponent(int i) {
    return ((double) logits[i] - maxLogit) / temperature;
  }

  private void scoreByLogit() {
    for (int i = 0; i < size; i++) {
      scores[i] = -(double) logits[i];
    }
  }

  private void move(int from, int to) {
    ids[to] = ids[from];
    logits[to] = logits[from];
    weights[to] = weights[from];
  }

  /// Keeps the candidates of the lowest scores, lower ids first among equals, until their weights reach `target`, the one
  /// that reaches it included.
  private void keepBest(double target) {
    int last = findLast(target);
    double lastScore = scores[last];
    int kept = 0;
    double total = 0;
    for (int i = 0; i < size; i++) {
      if (scores[i] < lastScore || (scores[i] == lastScore && i <= last)) {
        total += weights[i];
        move(i, kept++);
      }
    }
    totalWeight = total;
    size = kept;
  }

  /// The place of the last candidate to keep. `members` are those among which it lies, in ascending order; `reached` is the
  /// weight of all that come before them. Each round spreads the members over buckets of equal width in score: those of
  /// the lowest score and those of the highest never share a bucket, so each round leaves fewer.
  private int findLast(double target) {
    int numMembers = size;
    for (int i = 0; i < size; i++) {
      members[i] = i;
    }
    double reached = 0;
    while (true) {
      double low = Double.POSITIVE_INFINITY;
      double high = Double.NEGATIVE_INFINITY;
      for (int m = 0; m < numMembers; m++) {
        low = Math.min(low, scores[members[m]]);
        high = Math.max(high, scores[members[m]]);
      }
      if (low == high || numMembers <= FEW) {
        return walk(numMembers, reached, target);
      }
      double bucketsPerScore = (NUM_BUCKETS - 1) / (high - low);
      Arrays.fill(bucketMass, 0);
      for (int m = 0; m < numMembers; m++) {
        int bucket = bucket(members[m], low, bucketsPerScore);
        bucketMass[bucket] += weights[members[m]];
      }
      int border = 0;
      while (border < NUM_BUCKETS - 1 && reached + bucketMass[border] < target) {
        reached += bucketMass[border++];
      }
      int kept = 0;
      for (int m = 0; m < numMembers; m++) {
        if (bucket(members[m], low, bucketsPerScore) == border) {
          members[kept++] = members[m];
        }
      }
      numMembers = kept;
    }
  }

  private int bucket(int candidate, double low, double bucketsPerScore) {
    return (int) Math.min(NUM_BUCKETS - 1, (scores[candidate] - low) * bucketsPerScore);
  }

  private int walk(int numMembers, double reached, double target) {
    if (numMembers <= FEW) {
      sortFewByScore(numMembers);
    }
    for (int m = 0; m < numMembers; m++) {
      reached += weights[members[m]];
      if (reached >= target) {
        return members[m];
      }
    }
    return members[numMembers - 1];
  }

  private void sortFewByScore(int numMembers) {
    for (int m = 1; m < numMembers; m++) {
      int member = members[m];
      int place = m;
      while (place > 0 && scores[members[place - 1]] > scores[member]) {
        members[place] = members[place - 1];
        place--;
      }
      members[place] = member;
    }
  }
}
