"""moto's server. As it comes, an object that was asked for counts as thawed until its state has been looked at once; here it
is in progress from the asking on, as at Amazon, until the transition that a test has set lets it go further."""

import vaults  # noqa: F401
from moto.s3.models import FakeKey
from moto.server import main

asked = FakeKey.restore


def restore(key: FakeKey, days: int) -> None:
    asked(key, days)
    # One that is there already stays there, for longer.
    if key._status is None:
        key._status = "IN_PROGRESS"


FakeKey.restore = restore
main()
