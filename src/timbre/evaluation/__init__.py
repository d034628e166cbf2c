"""How good it is: error rates, calibration, and fits of both."""
