"""What people decide about results: asked for, checked, written down, and what follows for those it names."""
