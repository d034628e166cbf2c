"""Jobs and attempts at them: submitted, begun, reported, ended, canceled, erased."""
