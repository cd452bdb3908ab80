"""What the API offers of marketing."""

from growbase.core.actor import Role
from growbase.core.resource import Resource, Transitions, Verb
from growbase.domains.marketing import (
    actions,
    actions_assets,
    actions_contents,
    actions_generated,
    actions_journeys,
    actions_templates,
    actions_variants,
    models_analytics,
    schemas,
)
from growbase.domains.marketing.models import (
    Brand,
    Campaign,
    CampaignBrief,
    CampaignStatus,
    CampaignTemplate,
    Content,
    ContentStatus,
    ContentTemplate,
    ContentVariant,
    GalleryTemplate,
    Journey,
    JourneyStage,
    JourneyStatus,
)
from growbase.domains.marketing.models_assets import AnalysisStatus, Asset
from growbase.domains.marketing.models_generated import GeneratedContent
from growbase.domains.marketing.models_performance import ContentPerformance
from growbase.domains.marketing.models_views import CampaignSummary, UserActivitySummary

FACTS = (models_analytics.AnalyticsEvent, models_analytics.AnalyticsDaily, models_analytics.VariantAssignment)
"""Tables without resource: written by the ingest and by assignments only."""
SHARED = (GalleryTemplate,)
"""A table without resource: the gallery has routes of its own, since all organizations share it."""

_CAMPAIGN: Transitions = {
    CampaignStatus.DRAFT: {CampaignStatus.ACTIVE, CampaignStatus.CANCELLED, CampaignStatus.ARCHIVED},
    CampaignStatus.ACTIVE: {CampaignStatus.PAUSED, CampaignStatus.COMPLETED, CampaignStatus.CANCELLED},
    CampaignStatus.PAUSED: {CampaignStatus.ACTIVE, CampaignStatus.COMPLETED, CampaignStatus.CANCELLED},
    CampaignStatus.COMPLETED: {CampaignStatus.ARCHIVED},
    CampaignStatus.CANCELLED: {CampaignStatus.ARCHIVED},
}

_JOURNEY: Transitions = {
    JourneyStatus.DRAFT: {JourneyStatus.ACTIVE, JourneyStatus.CANCELLED},
    JourneyStatus.ACTIVE: {JourneyStatus.PAUSED, JourneyStatus.COMPLETED, JourneyStatus.CANCELLED},
    JourneyStatus.PAUSED: {JourneyStatus.ACTIVE, JourneyStatus.COMPLETED, JourneyStatus.CANCELLED},
}

_CONTENT: Transitions = {
    ContentStatus.DRAFT: {ContentStatus.REVIEW},
    ContentStatus.REVIEW: {ContentStatus.APPROVED, ContentStatus.REJECTED},
    ContentStatus.REJECTED: {ContentStatus.DRAFT},
    ContentStatus.APPROVED: {ContentStatus.PUBLISHED, ContentStatus.DRAFT},
    ContentStatus.PUBLISHED: {ContentStatus.ARCHIVED},
    ContentStatus.ARCHIVED: {ContentStatus.DRAFT},
}

_ANALYSIS: Transitions = {
    AnalysisStatus.PENDING: {AnalysisStatus.PROCESSING, AnalysisStatus.SKIPPED},
    AnalysisStatus.PROCESSING: {AnalysisStatus.COMPLETED, AnalysisStatus.FAILED, AnalysisStatus.SKIPPED},
    AnalysisStatus.COMPLETED: {AnalysisStatus.PENDING},
    AnalysisStatus.FAILED: {AnalysisStatus.PENDING},
    AnalysisStatus.SKIPPED: {AnalysisStatus.PENDING},
}

RESOURCES: tuple[Resource, ...] = (
    Resource(
        Brand,
        children=("campaigns",),
        counts=("campaigns",),
        expand=("owner",),
        search=("name", "description", "tagline"),
        sortable=("name", "created_at", "updated_at"),
        remove=actions.remove_brand,
    ),
    Resource(
        Campaign,
        children=("journeys", "contents", "campaign_briefs"),
        counts=("journeys", "contents"),
        expand=("brand", "owner"),
        search=("name", "purpose"),
        sortable=("name", "created_at", "updated_at"),
        transitions=_CAMPAIGN,
        guard=actions.guard_campaign,
        create=actions.create_campaign,
        update=actions.update_campaign,
        extra=schemas.CampaignParts,
        verbs={
            "duplicate": Verb(actions.duplicate_campaign, schemas.Duplicate, status=201),
            "analyse": Verb(actions.analyse_campaign, answers="result", status=202),
        },
        tombstone=("goals", "target_audience"),
    ),
    Resource(CampaignBrief, expand=("campaign",)),
    Resource(
        CampaignTemplate,
        search=("name", "description"),
        sortable=("name", "usage_count", "created_at", "updated_at"),
        create=actions_templates.create_campaign_template,
        update=actions_templates.update_campaign_template,
        verbs={"publish": Verb(actions_templates.publish_template, role=Role.ADMIN)},
    ),
    Resource(
        Journey,
        children=("journey_stages",),
        counts=("journey_stages", "contents"),
        expand=("campaign",),
        search=("name",),
        sortable=("name", "created_at", "updated_at"),
        transitions=_JOURNEY,
        guard=actions_journeys.guard_journey,
        create=actions_journeys.create_journey,
        extra=schemas.JourneyStages,
        verbs={"stages": Verb(actions_journeys.set_stages, schemas.StageSet)},
    ),
    Resource(
        JourneyStage,
        counts=("contents",),
        expand=("journey",),
        sortable=("position", "created_at", "updated_at"),
        sort="position",
        create=actions_journeys.create_stage,
        update=actions_journeys.update_stage,
        remove=actions_journeys.remove_stage,
    ),
    Resource(
        Content,
        children=("content_variants",),
        counts=("content_variants",),
        expand=("campaign", "journey", "stage"),
        search=("title", "body"),
        transitions=_CONTENT,
        guard=actions_contents.guard_content,
        reviewed=True,
        create=actions_contents.create_content,
        update=actions_contents.update_content,
        verbs={
            "submit": Verb(actions_contents.submit_content),
            "approve": Verb(actions_contents.approve_content),
            "reject": Verb(actions_contents.reject_content, schemas.Rejection),
            "publish": Verb(actions_contents.publish_content),
            "archive": Verb(actions_contents.archive_content),
            "variants": Verb(actions_variants.set_variants, schemas.VariantSet),
            "winner": Verb(actions_variants.choose_winner, schemas.Winner),
            "assign": Verb(actions_variants.assign_variant, schemas.Subject, answers="result"),
        },
        tombstone=("title", "body", "metadata"),
    ),
    Resource(
        GeneratedContent,
        expand=("campaign", "promoted_content"),
        search=("title", "text"),
        reviewed=True,
        create=actions_generated.create_generated_content,
        update=actions_generated.update_generated_content,
        verbs={
            "generate": Verb(
                actions_generated.generate_contents,
                schemas.GenerationRequest,
                on="collection",
                answers="result",
                status=202,
            ),
            "select": Verb(actions_generated.select_generated_content),
            "unselect": Verb(actions_generated.unselect_generated_content),
            "rate": Verb(actions_generated.rate_generated_content, schemas.Rating),
            "promote": Verb(
                actions_generated.promote_generated_content, schemas.Promotion, answers="result", status=201
            ),
        },
        deletable=False,
        retention=None,
    ),
    Resource(
        Asset,
        search=("title", "original_filename", "description"),
        expand=("campaign", "brand"),
        state="analysis_status",
        transitions=_ANALYSIS,
        guard=actions_assets.guard_asset,
        purged=actions_assets.forget_file,
        erased=actions_assets.erase_file,
        update=actions_assets.update_asset,
        verbs={"analyse": Verb(actions_assets.analyse_asset, status=202)},
        creatable=False,
    ),
    Resource(ContentVariant, expand=("content",), creatable=False, editable=False, deletable=False),
    Resource(
        ContentTemplate,
        search=("name", "template"),
        sortable=("name", "created_at", "updated_at"),
        create=actions_templates.create_content_template,
        update=actions_templates.update_content_template,
        verbs={
            "render": Verb(
                actions_templates.render_content_template, schemas.Variables, role=Role.VIEWER, answers="result"
            )
        },
    ),
)

VIEWS: tuple[Resource, ...] = (
    Resource(
        CampaignSummary,
        sortable=("name", "status", "created_at", "updated_at"),
        creatable=False,
        editable=False,
        deletable=False,
        retention=None,
    ),
    Resource(
        UserActivitySummary,
        read=Role.ADMIN,
        sortable=("id",),
        sort="id",
        creatable=False,
        editable=False,
        deletable=False,
        retention=None,
    ),
    Resource(
        ContentPerformance,
        sortable=("created_at",),
        creatable=False,
        editable=False,
        deletable=False,
        retention=None,
    ),
)
"""The analytic views, read under ``/api/views`` with the grammar of a resource."""

FOUNDERS = (actions_templates.copy_gallery,)
"""What a new organization starts with: its own copies of the gallery's templates."""
