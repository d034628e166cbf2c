"""A few voices as made-up vectors, and a judge whose numbers are easy to follow."""

import numpy as np

from timbre.diarization.merging import Judge, MergeRule
from timbre.diarization.spread import Spread
from timbre.models.same_voice import SameVoice, unit

RULE = MergeRule(
    sure=3.0,
    smallest=2,
    prior=3.0,
    growth=0.0,
    longest=12.0,
    minutes=30.0,
    strangers=1.0,
    windows=1.0,
    pieces=1.0,
    least=3.0,
    moods=1.0,
    second=3.0,
    crowd=0.0,
    single=0.1,
    order=0.4,
    apart=2.0,
    together=0.5,
    doubt=0.2,
    heeded=0.4,
    blend=3.0,
)
MODEL = SameVoice(
    name="toy",
    fitted=True,
    score_weight=20.0,
    enrol_weight=0.0,
    test_weight=0.0,
    bias=-10.0,
    centre=np.zeros(4, np.float32),
)
JUDGE = Judge(rule=RULE, same_voice=MODEL, seconds=0.4)
SPREAD = Spread(
    axes=np.eye(4, dtype=np.float32),
    people=np.full(4, 0.3, np.float32),
    moods=np.full(4, 0.03, np.float32),
    windows=np.full(4, 0.1, np.float32),
    trust=0.0,
)
ADA = np.array([1, 0, 0, 0], np.float32)
TURNED_AWAY = unit(np.array([1, 0.9, 0, 0], np.float32))  # log-odds 2.9 that it is hers
LAUGHING = unit(np.array([1, 0, 0.9, 0], np.float32))  # and these two: 1.0, less than merging asks for
BEN = np.array([0, 0, 0, 1], np.float32)
