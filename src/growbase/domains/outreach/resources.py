"""What the API offers of outreach."""

from growbase.core.actor import Role
from growbase.core.resource import Resource, Transitions, Verb
from growbase.domains.identity.usage import Metric, meter
from growbase.domains.outreach import (
    actions_activities,
    actions_campaigns,
    actions_enrollments,
    actions_erasing,
    actions_events,
    actions_insights,
    actions_merging,
    actions_messages,
    actions_outgoing,
    actions_prospects,
    actions_sequences,
    actions_suppressions,
    models_imports,
    schemas,
)
from growbase.domains.outreach.models import AddressKey, Icp, Prospect, ProspectScore, Stage, Suppression
from growbase.domains.outreach.models_messages import (
    Activity,
    AiInsight,
    InsightStatus,
    Message,
    MessageEvent,
    MessageStatus,
)
from growbase.domains.outreach.models_sequences import (
    Enrollment,
    EnrollmentStatus,
    OutreachCampaign,
    OutreachStatus,
    Sequence,
    SequenceStep,
)

INTERNAL = (AddressKey, models_imports.ImportChunk)
"""Tables without resource: the key of address hashes, and the rows of imports that still wait."""

_STAGE: Transitions = {
    Stage.NEW: {Stage.CONTACTED, Stage.MEETING, Stage.NEGOTIATION, Stage.WON, Stage.LOST},
    Stage.CONTACTED: {Stage.MEETING, Stage.NEGOTIATION, Stage.WON, Stage.LOST},
    Stage.MEETING: {Stage.NEGOTIATION, Stage.WON, Stage.LOST},
    Stage.NEGOTIATION: {Stage.WON, Stage.LOST},
    Stage.LOST: {Stage.CONTACTED},
    Stage.WON: {Stage.CONTACTED, Stage.MEETING, Stage.NEGOTIATION, Stage.LOST},
}

_CAMPAIGN: Transitions = {
    OutreachStatus.DRAFT: {OutreachStatus.SCHEDULED, OutreachStatus.ACTIVE, OutreachStatus.ARCHIVED},
    OutreachStatus.SCHEDULED: {OutreachStatus.ACTIVE, OutreachStatus.DRAFT, OutreachStatus.ARCHIVED},
    OutreachStatus.ACTIVE: {OutreachStatus.PAUSED, OutreachStatus.COMPLETED},
    OutreachStatus.PAUSED: {OutreachStatus.ACTIVE, OutreachStatus.COMPLETED},
    OutreachStatus.COMPLETED: {OutreachStatus.ARCHIVED},
}

_ENROLLMENT: Transitions = {
    EnrollmentStatus.PENDING: {EnrollmentStatus.STOPPED},
    EnrollmentStatus.ACTIVE: {EnrollmentStatus.PAUSED, EnrollmentStatus.STOPPED},
    EnrollmentStatus.PAUSED: {EnrollmentStatus.ACTIVE, EnrollmentStatus.STOPPED},
}

_MESSAGE: Transitions = {
    MessageStatus.DRAFT: {MessageStatus.SCHEDULED, MessageStatus.QUEUED},
    MessageStatus.SCHEDULED: {MessageStatus.DRAFT, MessageStatus.QUEUED},
}
"""What people may do; the rest of the ladder is the program's."""

_INSIGHT: Transitions = {
    InsightStatus.NEW: {InsightStatus.READ, InsightStatus.ACTED, InsightStatus.DISMISSED},
    InsightStatus.READ: {InsightStatus.ACTED, InsightStatus.DISMISSED},
}

PERSONAL = (
    *("email", "first_name", "last_name", "job_title", "phone", "linkedin_url", "website_url", "notes"),
    *("score_explanation", "consent", "custom_fields"),
)
"""What a prospect's tombstone no longer says."""

RESOURCES: tuple[Resource, ...] = (
    Resource(
        Icp,
        counts=("prospects", "sequences"),
        expand=("owner",),
        search=("name", "description"),
        sortable=("name", "created_at", "updated_at"),
        meter=meter(Metric.ICPS),
    ),
    Resource(
        Prospect,
        children=("activities",),
        counts=("activities", "messages", "enrollments"),
        expand=("icp", "owner"),
        search=("first_name", "last_name", "email", "company_name", "job_title"),
        sortable=("created_at", "updated_at", "score", "company_name", "next_follow_up_at"),
        state="stage",
        transitions=_STAGE,
        guard=actions_prospects.guard_prospect,
        create=actions_prospects.create_prospect,
        update=actions_prospects.update_prospect,
        verbs={
            "opt-out": Verb(actions_suppressions.opt_out, schemas.OptOut),
            "merge": Verb(actions_merging.merge_prospects, schemas.Merge),
            "score": Verb(actions_prospects.request_score, answers="result", status=202),
        },
        tombstone=PERSONAL,
        meter=meter(Metric.PROSPECTS),
        purged=actions_suppressions.forget_addresses,
        erased=actions_erasing.erase_prospect,
    ),
    Resource(
        ProspectScore,
        expand=("prospect",),
        create=actions_prospects.record_score,
        editable=False,
        deletable=False,
    ),
    Resource(
        Suppression,
        expand=("source_message",),
        create=actions_suppressions.create_suppression,
        extra=schemas.NewSuppression,
        editable=False,
        deletable=False,
        verbs={"lift": Verb(actions_suppressions.lift_suppression, schemas.Lift, role=Role.ADMIN)},
    ),
    Resource(
        Sequence,
        children=("sequence_steps",),
        counts=("sequence_steps", "outreach_campaigns"),
        expand=("icp",),
        search=("name", "description"),
        sortable=("name", "created_at", "updated_at"),
        create=actions_sequences.create_sequence,
        remove=actions_sequences.remove_sequence,
        extra=schemas.SequenceSteps,
        verbs={"steps": Verb(actions_sequences.set_steps, schemas.StepSet)},
        meter=meter(Metric.SEQUENCES),
    ),
    Resource(
        SequenceStep,
        expand=("sequence",),
        sortable=("step_number", "created_at", "updated_at"),
        sort="step_number",
        create=actions_sequences.create_step,
        update=actions_sequences.update_step,
        remove=actions_sequences.remove_step,
        verbs={
            "revise": Verb(actions_sequences.revise_step, schemas.StepRevision),
            "move": Verb(actions_sequences.move_step, schemas.StepMove),
            "send-test": Verb(actions_outgoing.request_test, schemas.StepTest, answers="result", status=202),
        },
        tombstone=("subject", "content"),
    ),
    Resource(
        OutreachCampaign,
        counts=("enrollments", "messages"),
        expand=("sequence", "campaign"),
        search=("name", "description"),
        sortable=("name", "created_at", "updated_at"),
        transitions=_CAMPAIGN,
        guard=actions_campaigns.guard_campaign,
        update=actions_campaigns.update_campaign,
        remove=actions_campaigns.remove_campaign,
        verbs={
            "enroll": Verb(actions_campaigns.enroll, schemas.Enrolment, answers="result"),
            "launch": Verb(actions_campaigns.launch_campaign),
            "pause": Verb(actions_campaigns.pause_campaign),
            "resume": Verb(actions_campaigns.resume_campaign),
            "complete": Verb(actions_campaigns.complete_campaign),
            "duplicate": Verb(actions_campaigns.duplicate_campaign, schemas.Duplicate, status=201),
        },
        tombstone=("description", "sender"),
    ),
    Resource(
        Enrollment,
        expand=("prospect", "outreach_campaign"),
        counts=("messages",),
        transitions=_ENROLLMENT,
        guard=actions_enrollments.guard_enrollment,
        creatable=False,
        editable=False,
        deletable=False,
    ),
    Resource(
        Message,
        expand=("prospect", "outreach_campaign", "enrollment", "sequence_step"),
        counts=("message_events",),
        search=("subject", "content"),
        sortable=("created_at", "updated_at", "sent_at"),
        transitions=_MESSAGE,
        guard=actions_messages.guard_message,
        create=actions_messages.create_message,
        update=actions_messages.update_message,
        deletable=False,
        verbs={
            "send": Verb(actions_outgoing.send_message, schemas.Sending),
            "cancel": Verb(actions_messages.cancel_message),
            "resolve": Verb(actions_messages.resolve_message, schemas.Outcome),
            "settle": Verb(actions_messages.settle_message),
            "snooze": Verb(actions_messages.snooze_message, schemas.Later),
            "events": Verb(actions_events.receive_event, schemas.ReceivedEvent, answers="result", status=201),
        },
    ),
    Resource(
        MessageEvent,
        expand=("message",),
        sortable=("occurred_at",),
        sort="-occurred_at",
        creatable=False,
        editable=False,
        deletable=False,
        retention=None,
    ),
    Resource(
        Activity,
        expand=("prospect", "user", "message"),
        search=("title", "description"),
        sortable=("scheduled_at", "created_at", "updated_at"),
        create=actions_activities.create_activity,
        update=actions_activities.update_activity,
        verbs={"complete": Verb(actions_activities.complete_activity)},
    ),
    Resource(
        AiInsight,
        expand=("user",),
        search=("title", "description"),
        transitions=_INSIGHT,
        guard=actions_insights.guard_insight,
        create=actions_insights.record_insight,
        editable=False,
        deletable=False,
        verbs={
            "read": Verb(actions_insights.read_insight),
            "act": Verb(actions_insights.act_on_insight),
            "dismiss": Verb(actions_insights.dismiss_insight),
        },
    ),
    Resource(models_imports.Import, creatable=False, editable=False, deletable=False),
)
