"""nginx answers every question of the fast tests as our own server does."""

from tests.publisher.serving.test_answers import *  # noqa: F403
from tests.publisher.serving.test_browsers import *  # noqa: F403
