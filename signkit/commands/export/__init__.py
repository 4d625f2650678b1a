"""`signkit export`, and models on the Hugging Face Hub."""
