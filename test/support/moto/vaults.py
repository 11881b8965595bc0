"""What moto's vaults lack: tree hashes, archives of the same bytes that are two, jobs that are done at once (the stand-in
before moto holds them back), and answers for what is not there."""

import datetime
import hashlib
import secrets

from moto.core.exceptions import JsonRESTError
from moto.glacier.models import Job, Vault

MEBIBYTE = 2**20

begin = Job.__init__
create = Vault.create_archive
describe = Vault.describe_job
initiate = Vault.initiate_job


def tree_hash(body: bytes) -> str:
    """By the definition, from the root down: the left half is the largest power of two that leaves something."""
    if len(body) <= MEBIBYTE:
        return hashlib.sha256(body).hexdigest()
    left = MEBIBYTE
    while left * 2 < len(body):
        left *= 2
    halves = bytes.fromhex(tree_hash(body[:left]) + tree_hash(body[left:]))
    return hashlib.sha256(halves).hexdigest()


def begin_done(self, tier):
    begin(self, tier)
    self.et = self.st - datetime.timedelta(seconds=1)


def create_another(self, body, description):
    body = bytes(body)
    made = create(self, body, description)
    archive = self.archives.pop(made["archive_id"])
    archive["archive_id"] = secrets.token_urlsafe(103)
    archive["sha256"] = tree_hash(body)
    self.archives[archive["archive_id"]] = archive
    return archive


def delete_if_there(self, archive_id):
    return self.archives.pop(archive_id, None)


def initiate_known(self, job_type, tier, archive_id):
    if archive_id is not None and archive_id not in self.archives:
        raise JsonRESTError("ResourceNotFoundException", "The archive ID was not found: " + archive_id)
    return initiate(self, job_type, tier, archive_id)


def describe_known(self, job_id):
    job = describe(self, job_id)
    if job is None:
        raise JsonRESTError("ResourceNotFoundException", "The job ID was not found: " + job_id)
    return job


Job.__init__ = begin_done
Vault.create_archive = create_another
Vault.delete_archive = delete_if_there
Vault.describe_job = describe_known
Vault.initiate_job = initiate_known
