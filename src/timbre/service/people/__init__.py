"""The gallery: people, samples of their voices, searching, moving and forgetting them."""
