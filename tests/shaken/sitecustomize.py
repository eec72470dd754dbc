"""Python reads this at every start where this folder is on its path: each process of a shaken run shakes itself."""

import os

from tests.shaken.naps import LEVEL_VARIABLE, shake

if level := os.environ.get(LEVEL_VARIABLE):
    shake(float(level))
