"""Jobs: submitted, looked at, their outputs, recordings and voices."""
