"""What the API, Studio and the command line offer of jobs: to look at them, and to cancel, retry or discard one."""

from growbase.core.actor import Role
from growbase.core.resource import Resource, Verb
from growbase.core.tables import Job
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

RESOURCES: tuple[Resource, ...] = (jobs,)
