"""The work behind `timbre evaluate` and `timbre calibrate`."""
