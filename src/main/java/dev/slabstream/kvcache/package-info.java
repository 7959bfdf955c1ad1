/// The slab that holds all keys and values, its blocks, and the leases on them. Start at {@link dev.slabstream.kvcache.KvSlab}.
@NullMarked
package dev.slabstream.kvcache;

import org.jspecify.annotations.NullMarked;
