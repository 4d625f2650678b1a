"""`signkit landmarks`: from videos or folders of frames to the points of the signer, by MediaPipe."""
