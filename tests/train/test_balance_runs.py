"""`train.balance` in whole runs: told, resumable to the bit, and refused where it means nothing."""

from pathlib import Path

import pytest
