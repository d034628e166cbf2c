"""How voices vary, fitted to people whose variation is known because it was made."""

import numpy as np
import pytest

from timbre.errors import TrialsError
from timbre.evaluation.variation import Piece, fit_variation

PEOPLE, MOODS, WINDOWS = (np.array(values) for values in ((9.0, 4.0, 1.0), (0.3, 0.6, 0.2), (2.0, 1.0, 3.0)))


def pieces(people: int, *, each: int = 4, windows: int = 100) -> list[Piece]:
    """Make people in two groups that lie far apart, with given variances along three axes."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(people):
        group = number % 2
        person = 50 * group + np.sqrt(PEOPLE) * rng.standard_normal(3)
        for _ in range(each):
            piece = person + np.sqrt(MOODS) * rng.standard_normal(3)
            rows = piece + np.sqrt(WINDOWS) * rng.standard_normal((windows, 3))
            made.append(Piece(person=f"p{number}", group=f"g{group}", vectors=rows.astype(np.float32)))
    return made


def test_the_variances_are_found_again() -> None:
    """Whatever the scale of the fitted axes; groups are not compared."""
    found = fit_variation(pieces(600))
    back = np.linalg.inv(found.axes.astype(np.float64))
    for fitted, made in ((found.people, PEOPLE), (found.moods, MOODS), (found.windows, WINDOWS)):
        covariance = back.T @ np.diag(fitted) @ back
        assert np.diag(covariance) == pytest.approx(made, rel=0.2)


def test_the_most_telling_axis_comes_first() -> None:
    found = fit_variation(pieces(200))
    telling = found.people / (found.moods + found.windows / 10)
    assert (np.diff(telling) < 0).all()


def test_few_people_are_refused_with_what_to_do() -> None:
    with pytest.raises(TrialsError, match=r"20 people with two recordings.*there are 19.*more people"):
        fit_variation(pieces(19))
    with pytest.raises(TrialsError, match="there are 0"):
        fit_variation(pieces(50, each=1))
    with pytest.raises(TrialsError, match="there are 0"):
        fit_variation([])
