/// The slab that holds all keys and values, its blocks, and the leases on them.
///
/// Start at [dev.slabstream.kvcache.KvSlab]: its comment is the design. [dev.slabstream.kvcache.KvPlan] says how large a slab
/// fits, [dev.slabstream.kvcache.SlabMemory] is the memory under it, [dev.slabstream.kvcache.KvStats] what can be seen of it. A [dev.slabstream.kvcache.CacheScope] and the
/// [dev.slabstream.kvcache.BlockKeys] of a sequence decide which cached blocks it may begin with.
@NullMarked
package dev.slabstream.kvcache;

import org.jspecify.annotations.NullMarked;
