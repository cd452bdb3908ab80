"""What the API, Studio and the command line offer of jobs and of legal holds, which keep rows from retention."""

from growbase.core.actor import Role
from growbase.core.holds import add_hold, release_hold
from growbase.core.resource import Resource, Verb
from growbase.core.tables import Job, LegalHold
from growbase.jobs.actions import cancel_job, discard_job, retry_job

jobs = Resource(
    Job,
    sortable=("created_at",),
    read=Role.ADMIN,
    write=Role.ADMIN,
    delete=Role.ADMIN,
    creatable=False,
    editable=False,
    deletable=False,
    retention=None,
    verbs={
        "cancel": Verb(cancel_job, role=Role.ADMIN),
        "retry": Verb(retry_job, role=Role.ADMIN),
        "discard": Verb(discard_job, role=Role.ADMIN),
    },
)

legal_holds = Resource(
    LegalHold,
    read=Role.ADMIN,
    write=Role.ADMIN,
    create=add_hold,
    editable=False,
    deletable=False,
    retention=None,
    verbs={"release": Verb(release_hold, role=Role.ADMIN)},
)

RESOURCES: tuple[Resource, ...] = (jobs, legal_holds)
