"""How H.264 is written: equal pixels give equal bits, however busy the machine is."""

import platform

SAME_BITS = {"x264-params": "asm=ssse3"} if platform.machine() in ("x86_64", "AMD64") else {}
"""Options of the encoder libx264, which keep it from its AVX-512 routines.

With the AVX-512 routines (x264 165, one thread) 168 of 19,376 encodings of four short clips differed from the
others on a busy virtual machine, and none of 41,412 with older routines. Those are no slower, and from SSSE3
to AVX2 the bits are the same; SSE2's are others. Every x86-64 processor since 2011 has SSSE3.
"""
