"""Points of MediaPipe's face mesh by feature, each a closed outline in its order (Apache-2.0).

They are those of the first place in Google's ASL Fingerspelling competition; the right is the signer's.
"""

LIPS_OUTSIDE = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)  # fmt: skip
LIPS_INSIDE = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
NOSE = (1, 2, 98, 327)
"""Its tip, the point below, and the two sides: no outline."""
