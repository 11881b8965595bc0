"""moto's server. As it comes, an object that was asked for counts as thawed until its state has been looked at once; here it
is in progress from the asking on, as at Amazon, until the transition that a test has set lets it go further. And it is the
version that was named which is brought back, where moto takes the newest."""

import vaults  # noqa: F401
from flask import request
from moto.s3.models import FakeKey, S3Backend
from moto.server import main

asked = FakeKey.restore
newest = S3Backend.restore_object


def restore(key: FakeKey, days: int) -> None:
    asked(key, days)
    # One that is there already stays there, for longer.
    if key._status is None:
        key._status = "IN_PROGRESS"


def restore_version(self, bucket_name, key_name, days, type_):
    version = request.args.get("versionId")
    if version is None:
        return newest(self, bucket_name, key_name, days, type_)
    key = self.get_object(bucket_name, key_name, version_id=version)
    key.restore(int(days))
    return False


FakeKey.restore = restore
S3Backend.restore_object = restore_version
main()
