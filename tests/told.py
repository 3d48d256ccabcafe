"""All that a finding says, for tests of what finds it."""

import pytest

from oracles.claims.disagreement import Disagreement

LEFT = ("unshrunk", "comparisons")  # itself; the wrong results, which `names` lists


def told(claim, layer, case):
    """The fields of the finding that differ from those of one on `case` that says the least."""
    with pytest.raises(Disagreement) as found:
        claim(layer, case)
    least = vars(Disagreement(case, ""))
    return {k: v for k, v in vars(found.value).items() if k not in LEFT and v != least[k]}
