-- Growbase's schema on SQLite, written by `growbase db schema`. Migrations make the same.

CREATE TABLE analytics_daily (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	day TEXT NOT NULL,
	campaign_id TEXT,
	content_id TEXT,
	variant_id TEXT,
	event_type TEXT NOT NULL,
	currency TEXT,
	count INTEGER NOT NULL,
	unique_subjects INTEGER NOT NULL,
	value_minor INTEGER NOT NULL,
	last_event_at TEXT NOT NULL,
	CONSTRAINT pk_analytics_daily PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_analytics_daily_event_type CHECK (event_type IN ('impression', 'view', 'click', 'open', 'conversion', 'engagement', 'share', 'download', 'signup', 'purchase', 'bounce', 'unsubscribe')),
	CONSTRAINT ck_analytics_daily_currency CHECK (length(currency) <= 3 AND length(currency) >= 3)
)
 STRICT;

CREATE INDEX ix_analytics_daily_campaign_id_event_type_day ON analytics_daily (organization_id, campaign_id, event_type, day);

CREATE INDEX ix_analytics_daily_content_id_event_type ON analytics_daily (organization_id, content_id, event_type) WHERE content_id IS NOT NULL;

CREATE UNIQUE INDEX uq_analytics_daily_day_campaign_id_content_id_variant_id_eve ON analytics_daily (organization_id, day, coalesce(campaign_id, '00000000-0000-0000-0000-000000000000'), coalesce(content_id, '00000000-0000-0000-0000-000000000000'), coalesce(variant_id, '00000000-0000-0000-0000-000000000000'), event_type, coalesce(currency, ''));

CREATE TABLE changes (
	seq INTEGER NOT NULL,
	tx INTEGER NOT NULL,
	organization_id TEXT,
	occurred_at TEXT NOT NULL,
	request_id TEXT,
	actor_type TEXT NOT NULL,
	actor_id TEXT,
	actor_label TEXT NOT NULL,
	action TEXT NOT NULL,
	entity TEXT NOT NULL,
	entity_id TEXT,
	version INTEGER,
	deletion_id TEXT,
	changes TEXT,
	ai_model TEXT,
	ai_prompt_hash TEXT,
	ip TEXT,
	user_agent TEXT,
	CONSTRAINT pk_changes PRIMARY KEY (seq),
	CONSTRAINT ck_changes_request_id CHECK (length(request_id) <= 200),
	CONSTRAINT ck_changes_actor_type CHECK (actor_type IN ('user', 'api_key', 'job', 'system', 'agent')),
	CONSTRAINT ck_changes_actor_label CHECK (length(actor_label) <= 320),
	CONSTRAINT ck_changes_action CHECK (length(action) <= 40),
	CONSTRAINT ck_changes_entity CHECK (length(entity) <= 63),
	CONSTRAINT ck_changes_changes CHECK (json_valid(changes)),
	CONSTRAINT ck_changes_ai_model CHECK (length(ai_model) <= 200),
	CONSTRAINT ck_changes_ai_prompt_hash CHECK (length(ai_prompt_hash) <= 64),
	CONSTRAINT ck_changes_ip CHECK (length(ip) <= 45),
	CONSTRAINT ck_changes_user_agent CHECK (length(user_agent) <= 400)
)
 STRICT;

CREATE INDEX ix_changes_actor_id_tx_seq ON changes (organization_id, actor_id, tx, seq);

CREATE INDEX ix_changes_entity_entity_id_tx_seq ON changes (organization_id, entity, entity_id, tx, seq);

CREATE INDEX ix_changes_tx_seq ON changes (organization_id, tx, seq);

CREATE TABLE gallery_templates (
	id TEXT NOT NULL,
	code TEXT NOT NULL,
	name TEXT NOT NULL,
	description TEXT,
	category TEXT NOT NULL,
	template_data TEXT NOT NULL,
	default_settings TEXT,
	prompt_templates TEXT,
	is_system INTEGER NOT NULL,
	usage_count INTEGER NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_gallery_templates PRIMARY KEY (id),
	CONSTRAINT ck_gallery_templates_code CHECK (length(code) <= 80 AND length(code) >= 1),
	CONSTRAINT ck_gallery_templates_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_gallery_templates_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_gallery_templates_category CHECK (category IN ('product_launch', 'brand_awareness', 'event_promotion', 'custom')),
	CONSTRAINT ck_gallery_templates_template_data CHECK (json_valid(template_data)),
	CONSTRAINT ck_gallery_templates_default_settings CHECK (json_valid(default_settings)),
	CONSTRAINT ck_gallery_templates_prompt_templates CHECK (json_valid(prompt_templates)),
	CONSTRAINT ck_gallery_templates_is_system CHECK (is_system IN (0, 1)),
	CONSTRAINT ck_gallery_templates_usage_count CHECK (usage_count >= 0),
	CONSTRAINT ck_gallery_templates_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_gallery_templates_category_usage_count ON gallery_templates (category, usage_count, id);

CREATE INDEX ix_gallery_templates_created_at ON gallery_templates (created_at, id);

CREATE INDEX ix_gallery_templates_updated_at ON gallery_templates (updated_at, id);

CREATE UNIQUE INDEX uq_gallery_templates_code ON gallery_templates (code);

CREATE TABLE idempotency_keys (
	organization_id TEXT NOT NULL,
	actor_id TEXT NOT NULL,
	"key" TEXT NOT NULL,
	request_hash TEXT NOT NULL,
	status INTEGER,
	headers TEXT,
	body TEXT,
	expires_at TEXT NOT NULL,
	CONSTRAINT pk_idempotency_keys PRIMARY KEY (organization_id, actor_id, "key"),
	CONSTRAINT ck_idempotency_keys_key CHECK (length(key) <= 255),
	CONSTRAINT ck_idempotency_keys_request_hash CHECK (length(request_hash) <= 64),
	CONSTRAINT ck_idempotency_keys_headers CHECK (json_valid(headers)),
	CONSTRAINT ck_idempotency_keys_body CHECK (length(body) <= 16777216)
)
 STRICT;

CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at);

CREATE TABLE instance_facts (
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	CONSTRAINT pk_instance_facts PRIMARY KEY (name),
	CONSTRAINT ck_instance_facts_name CHECK (length(name) <= 63),
	CONSTRAINT ck_instance_facts_value CHECK (length(value) <= 4000)
)
 STRICT;

CREATE TABLE jobs (
	id TEXT NOT NULL,
	queue TEXT NOT NULL,
	kind TEXT NOT NULL,
	organization_id TEXT,
	payload TEXT NOT NULL,
	priority INTEGER NOT NULL,
	status TEXT NOT NULL,
	run_at TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	max_attempts INTEGER NOT NULL,
	backoff TEXT,
	dedupe_key TEXT,
	lease_until TEXT,
	lease_token TEXT,
	heartbeat_at TEXT,
	progress INTEGER NOT NULL,
	result TEXT,
	error TEXT,
	parent_id TEXT,
	created_at TEXT NOT NULL,
	finished_at TEXT,
	CONSTRAINT pk_jobs PRIMARY KEY (id),
	CONSTRAINT ck_jobs_queue CHECK (length(queue) <= 63),
	CONSTRAINT ck_jobs_kind CHECK (length(kind) <= 100),
	CONSTRAINT ck_jobs_payload CHECK (json_valid(payload)),
	CONSTRAINT ck_jobs_status CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')),
	CONSTRAINT ck_jobs_attempts CHECK (attempts >= 0),
	CONSTRAINT ck_jobs_max_attempts CHECK (max_attempts >= 1),
	CONSTRAINT ck_jobs_backoff CHECK (json_valid(backoff)),
	CONSTRAINT ck_jobs_dedupe_key CHECK (length(dedupe_key) <= 200),
	CONSTRAINT ck_jobs_progress CHECK (progress >= 0 AND progress <= 100),
	CONSTRAINT ck_jobs_result CHECK (json_valid(result)),
	CONSTRAINT ck_jobs_error CHECK (json_valid(error))
)
 STRICT;

CREATE INDEX ix_jobs_queue_status_run_at_priority ON jobs (queue, status, run_at, priority);

CREATE INDEX ix_jobs_status_lease_until ON jobs (status, lease_until);

CREATE INDEX ix_jobs_status_run_at ON jobs (organization_id, status, run_at);

CREATE UNIQUE INDEX uq_jobs_queue_dedupe_key ON jobs (queue, dedupe_key) WHERE status IN ('queued', 'running');

CREATE TABLE organizations (
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	slug TEXT NOT NULL,
	slug_norm TEXT NOT NULL,
	domain TEXT,
	domain_norm TEXT,
	website TEXT,
	industry TEXT,
	company_size TEXT,
	stage TEXT,
	pricing TEXT,
	tagline TEXT,
	description TEXT,
	category TEXT,
	markets TEXT NOT NULL,
	languages TEXT NOT NULL,
	billing_email TEXT,
	data_region TEXT NOT NULL,
	timezone TEXT NOT NULL,
	status TEXT NOT NULL,
	settings TEXT NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_organizations PRIMARY KEY (id),
	CONSTRAINT ck_organizations_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_organizations_slug CHECK (length(slug) <= 63 AND length(slug) >= 1),
	CONSTRAINT ck_organizations_domain CHECK (length(domain) <= 253),
	CONSTRAINT ck_organizations_website CHECK (length(website) <= 2000),
	CONSTRAINT ck_organizations_industry CHECK (length(industry) <= 200),
	CONSTRAINT ck_organizations_company_size CHECK (company_size IN ('startup', 'small', 'medium', 'large', 'enterprise')),
	CONSTRAINT ck_organizations_stage CHECK (length(stage) <= 100),
	CONSTRAINT ck_organizations_pricing CHECK (length(pricing) <= 2000),
	CONSTRAINT ck_organizations_tagline CHECK (length(tagline) <= 300),
	CONSTRAINT ck_organizations_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_organizations_category CHECK (length(category) <= 200),
	CONSTRAINT ck_organizations_markets CHECK (json_valid(markets)),
	CONSTRAINT ck_organizations_languages CHECK (json_valid(languages)),
	CONSTRAINT ck_organizations_billing_email CHECK (length(billing_email) <= 320),
	CONSTRAINT ck_organizations_data_region CHECK (data_region IN ('eu', 'us', 'ca')),
	CONSTRAINT ck_organizations_timezone CHECK (length(timezone) <= 64),
	CONSTRAINT ck_organizations_status CHECK (status IN ('active', 'suspended', 'closing', 'closed')),
	CONSTRAINT ck_organizations_settings CHECK (json_valid(settings)),
	CONSTRAINT ck_organizations_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_organizations_created_at ON organizations (created_at, id);

CREATE INDEX ix_organizations_updated_at ON organizations (updated_at, id);

CREATE UNIQUE INDEX uq_organizations_domain_norm ON organizations (domain_norm) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_organizations_slug_norm ON organizations (slug_norm) WHERE deleted_at IS NULL;

CREATE TABLE search_documents (
	rid INTEGER NOT NULL,
	organization_id TEXT NOT NULL,
	entity TEXT NOT NULL,
	entity_id TEXT NOT NULL,
	words TEXT NOT NULL,
	CONSTRAINT pk_search_documents PRIMARY KEY (rid),
	CONSTRAINT ck_search_documents_entity CHECK (length(entity) <= 63),
	CONSTRAINT ck_search_documents_words CHECK (length(words) <= 4000)
)
 STRICT;

CREATE UNIQUE INDEX uq_search_documents_entity_entity_id ON search_documents (organization_id, entity, entity_id);

CREATE TABLE users (
	id TEXT NOT NULL,
	email TEXT NOT NULL,
	email_norm TEXT NOT NULL,
	username TEXT,
	username_norm TEXT,
	full_name TEXT,
	first_name TEXT,
	last_name TEXT,
	image_url TEXT,
	password_hash TEXT,
	role TEXT NOT NULL,
	status TEXT NOT NULL,
	email_verified_at TEXT,
	language TEXT NOT NULL,
	timezone TEXT NOT NULL,
	failed_login_count INTEGER NOT NULL,
	locked_until TEXT,
	last_login_at TEXT,
	preferences TEXT NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_users PRIMARY KEY (id),
	CONSTRAINT ck_users_email CHECK (length(email) <= 320 AND length(email) >= 3),
	CONSTRAINT ck_users_username CHECK (length(username) <= 60 AND length(username) >= 3),
	CONSTRAINT ck_users_full_name CHECK (length(full_name) <= 200),
	CONSTRAINT ck_users_first_name CHECK (length(first_name) <= 100),
	CONSTRAINT ck_users_last_name CHECK (length(last_name) <= 100),
	CONSTRAINT ck_users_image_url CHECK (length(image_url) <= 2000),
	CONSTRAINT ck_users_password_hash CHECK (length(password_hash) <= 400),
	CONSTRAINT ck_users_role CHECK (role IN ('user', 'manager', 'moderator', 'admin')),
	CONSTRAINT ck_users_status CHECK (status IN ('invited', 'active', 'locked', 'disabled')),
	CONSTRAINT ck_users_language CHECK (length(language) <= 35 AND length(language) >= 2),
	CONSTRAINT ck_users_timezone CHECK (length(timezone) <= 64),
	CONSTRAINT ck_users_failed_login_count CHECK (failed_login_count >= 0),
	CONSTRAINT ck_users_preferences CHECK (json_valid(preferences)),
	CONSTRAINT ck_users_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_users_created_at ON users (created_at, id);

CREATE INDEX ix_users_status ON users (status, id);

CREATE INDEX ix_users_updated_at ON users (updated_at, id);

CREATE UNIQUE INDEX uq_users_email_norm ON users (email_norm) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_users_username_norm ON users (username_norm) WHERE deleted_at IS NULL;

CREATE TABLE api_keys (
	id TEXT NOT NULL,
	organization_id TEXT NOT NULL,
	name TEXT NOT NULL,
	prefix TEXT NOT NULL,
	key_hash TEXT NOT NULL,
	scopes TEXT NOT NULL,
	expires_at TEXT,
	last_used_at TEXT,
	revoked_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_api_keys PRIMARY KEY (id),
	CONSTRAINT fk_api_keys_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_api_keys_name CHECK (length(name) <= 100 AND length(name) >= 1),
	CONSTRAINT ck_api_keys_prefix CHECK (length(prefix) <= 8 AND length(prefix) >= 8),
	CONSTRAINT ck_api_keys_key_hash CHECK (length(key_hash) <= 64),
	CONSTRAINT ck_api_keys_scopes CHECK (json_valid(scopes)),
	CONSTRAINT ck_api_keys_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_api_keys_created_at ON api_keys (organization_id, created_at, id);

CREATE INDEX ix_api_keys_updated_at ON api_keys (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_api_keys_key_hash ON api_keys (key_hash);

CREATE UNIQUE INDEX uq_api_keys_name ON api_keys (organization_id, name) WHERE revoked_at IS NULL;

CREATE UNIQUE INDEX uq_api_keys_prefix ON api_keys (prefix);

CREATE TABLE campaign_templates (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	description TEXT,
	category TEXT NOT NULL,
	template_data TEXT NOT NULL,
	default_settings TEXT,
	prompt_templates TEXT,
	visibility TEXT NOT NULL,
	usage_count INTEGER NOT NULL,
	origin_code TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_campaign_templates PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_campaign_templates_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_campaign_templates_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_campaign_templates_category CHECK (category IN ('product_launch', 'brand_awareness', 'event_promotion', 'custom')),
	CONSTRAINT ck_campaign_templates_template_data CHECK (json_valid(template_data)),
	CONSTRAINT ck_campaign_templates_default_settings CHECK (json_valid(default_settings)),
	CONSTRAINT ck_campaign_templates_prompt_templates CHECK (json_valid(prompt_templates)),
	CONSTRAINT ck_campaign_templates_visibility CHECK (visibility IN ('private', 'organization', 'public')),
	CONSTRAINT ck_campaign_templates_usage_count CHECK (usage_count >= 0),
	CONSTRAINT ck_campaign_templates_origin_code CHECK (length(origin_code) <= 80),
	CONSTRAINT fk_campaign_templates_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_campaign_templates_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_campaign_templates_created_at ON campaign_templates (organization_id, created_at, id);

CREATE INDEX ix_campaign_templates_deleted_at ON campaign_templates (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_campaign_templates_deletion_id ON campaign_templates (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_campaign_templates_name ON campaign_templates (organization_id, name, id);

CREATE INDEX ix_campaign_templates_updated_at ON campaign_templates (organization_id, updated_at, id);

CREATE INDEX ix_campaign_templates_usage_count ON campaign_templates (organization_id, usage_count, id);

CREATE INDEX ix_campaign_templates_visibility_category_usage_count ON campaign_templates (organization_id, visibility, category, usage_count);

CREATE UNIQUE INDEX uq_campaign_templates_name_norm ON campaign_templates (organization_id, name_norm) WHERE deleted_at IS NULL;

CREATE TABLE content_templates (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	type TEXT NOT NULL,
	template TEXT NOT NULL,
	category TEXT,
	variables TEXT NOT NULL,
	is_active INTEGER NOT NULL,
	origin_code TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_content_templates PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_content_templates_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_content_templates_type CHECK (type IN ('email', 'social_post', 'social_ad', 'search_ad', 'blog_post', 'landing_page', 'video_script', 'infographic', 'newsletter', 'press_release')),
	CONSTRAINT ck_content_templates_template CHECK (length(template) <= 100000 AND length(template) >= 1),
	CONSTRAINT ck_content_templates_category CHECK (length(category) <= 100),
	CONSTRAINT ck_content_templates_variables CHECK (json_valid(variables)),
	CONSTRAINT ck_content_templates_is_active CHECK (is_active IN (0, 1)),
	CONSTRAINT ck_content_templates_origin_code CHECK (length(origin_code) <= 80),
	CONSTRAINT fk_content_templates_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_content_templates_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_content_templates_created_at ON content_templates (organization_id, created_at, id);

CREATE INDEX ix_content_templates_deleted_at ON content_templates (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_content_templates_deletion_id ON content_templates (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_content_templates_name ON content_templates (organization_id, name, id);

CREATE INDEX ix_content_templates_updated_at ON content_templates (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_content_templates_type_name_norm ON content_templates (organization_id, type, name_norm) WHERE deleted_at IS NULL;

CREATE TABLE memberships (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	role TEXT NOT NULL,
	status TEXT NOT NULL,
	invited_by TEXT,
	joined_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_memberships PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_memberships_user_id FOREIGN KEY(user_id) REFERENCES users (id),
	CONSTRAINT ck_memberships_role CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
	CONSTRAINT ck_memberships_status CHECK (status IN ('invited', 'active', 'disabled')),
	CONSTRAINT fk_memberships_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_memberships_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_memberships_created_at ON memberships (organization_id, created_at, id);

CREATE INDEX ix_memberships_status_role ON memberships (organization_id, status, role, id);

CREATE INDEX ix_memberships_updated_at ON memberships (organization_id, updated_at, id);

CREATE INDEX ix_memberships_user_id_status ON memberships (user_id, status);

CREATE UNIQUE INDEX uq_memberships_user_id ON memberships (organization_id, user_id);

CREATE TABLE one_time_tokens (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	organization_id TEXT,
	purpose TEXT NOT NULL,
	token_hash TEXT NOT NULL,
	data TEXT,
	created_at TEXT NOT NULL,
	expires_at TEXT NOT NULL,
	consumed_at TEXT,
	CONSTRAINT pk_one_time_tokens PRIMARY KEY (id),
	CONSTRAINT fk_one_time_tokens_user_id FOREIGN KEY(user_id) REFERENCES users (id),
	CONSTRAINT ck_one_time_tokens_purpose CHECK (purpose IN ('verify_email', 'reset_password', 'invite')),
	CONSTRAINT ck_one_time_tokens_token_hash CHECK (length(token_hash) <= 64),
	CONSTRAINT ck_one_time_tokens_data CHECK (json_valid(data)),
	CONSTRAINT ck_one_time_tokens_expires_after_created CHECK (expires_at > created_at)
)
 STRICT;

CREATE INDEX ix_one_time_tokens_expires_at ON one_time_tokens (expires_at);

CREATE INDEX ix_one_time_tokens_user_id ON one_time_tokens (user_id, id);

CREATE UNIQUE INDEX uq_one_time_tokens_token_hash ON one_time_tokens (token_hash);

CREATE TABLE sessions (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	organization_id TEXT,
	token_hash TEXT NOT NULL,
	refresh_hash TEXT NOT NULL,
	family_id TEXT NOT NULL,
	rotated_from TEXT,
	rotated_at TEXT,
	ip TEXT,
	user_agent TEXT,
	data TEXT,
	created_at TEXT NOT NULL,
	expires_at TEXT NOT NULL,
	last_activity_at TEXT NOT NULL,
	revoked_at TEXT,
	CONSTRAINT pk_sessions PRIMARY KEY (id),
	CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id),
	CONSTRAINT ck_sessions_token_hash CHECK (length(token_hash) <= 64),
	CONSTRAINT ck_sessions_refresh_hash CHECK (length(refresh_hash) <= 64),
	CONSTRAINT ck_sessions_ip CHECK (length(ip) <= 45),
	CONSTRAINT ck_sessions_user_agent CHECK (length(user_agent) <= 400),
	CONSTRAINT ck_sessions_data CHECK (json_valid(data)),
	CONSTRAINT ck_sessions_expires_after_created CHECK (expires_at > created_at)
)
 STRICT;

CREATE INDEX ix_sessions_expires_at ON sessions (expires_at);

CREATE INDEX ix_sessions_family_id ON sessions (family_id);

CREATE INDEX ix_sessions_revoked_at ON sessions (organization_id, revoked_at);

CREATE INDEX ix_sessions_user_id_revoked_at_expires_at ON sessions (user_id, revoked_at, expires_at);

CREATE UNIQUE INDEX uq_sessions_refresh_hash ON sessions (refresh_hash);

CREATE UNIQUE INDEX uq_sessions_token_hash ON sessions (token_hash);

CREATE TABLE brands (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	description TEXT,
	industry TEXT,
	website TEXT,
	tagline TEXT,
	mission TEXT,
	vision TEXT,
	brand_values TEXT,
	personality TEXT,
	voice TEXT,
	tone TEXT,
	guidelines TEXT,
	messaging TEXT,
	target_audience TEXT,
	palette TEXT,
	typography TEXT,
	restricted_terms TEXT NOT NULL,
	owner_user_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_brands PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_brands_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_brands_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_brands_industry CHECK (length(industry) <= 200),
	CONSTRAINT ck_brands_website CHECK (length(website) <= 2000),
	CONSTRAINT ck_brands_tagline CHECK (length(tagline) <= 300),
	CONSTRAINT ck_brands_mission CHECK (length(mission) <= 20000),
	CONSTRAINT ck_brands_vision CHECK (length(vision) <= 20000),
	CONSTRAINT ck_brands_brand_values CHECK (json_valid(brand_values)),
	CONSTRAINT ck_brands_personality CHECK (json_valid(personality)),
	CONSTRAINT ck_brands_voice CHECK (length(voice) <= 20000),
	CONSTRAINT ck_brands_tone CHECK (json_valid(tone)),
	CONSTRAINT ck_brands_guidelines CHECK (json_valid(guidelines)),
	CONSTRAINT ck_brands_messaging CHECK (json_valid(messaging)),
	CONSTRAINT ck_brands_target_audience CHECK (json_valid(target_audience)),
	CONSTRAINT ck_brands_palette CHECK (json_valid(palette)),
	CONSTRAINT ck_brands_typography CHECK (json_valid(typography)),
	CONSTRAINT ck_brands_restricted_terms CHECK (json_valid(restricted_terms)),
	CONSTRAINT fk_brands_owner_user_id FOREIGN KEY(organization_id, owner_user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT fk_brands_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_brands_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_brands_created_at ON brands (organization_id, created_at, id);

CREATE INDEX ix_brands_deleted_at ON brands (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_brands_deletion_id ON brands (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_brands_name ON brands (organization_id, name, id);

CREATE INDEX ix_brands_owner_user_id ON brands (organization_id, owner_user_id, id) WHERE owner_user_id IS NOT NULL;

CREATE INDEX ix_brands_updated_at ON brands (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_brands_name_norm ON brands (organization_id, name_norm) WHERE deleted_at IS NULL;

CREATE TABLE campaigns (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	purpose TEXT NOT NULL,
	campaign_type TEXT NOT NULL,
	status TEXT NOT NULL,
	brand_id TEXT,
	owner_user_id TEXT,
	goals TEXT,
	target_audience TEXT,
	creativity_level INTEGER NOT NULL,
	start_at TEXT,
	end_at TEXT,
	completed_at TEXT,
	template_id TEXT,
	duplicated_from_id TEXT,
	budget_minor INTEGER,
	currency TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_campaigns PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_campaigns_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_campaigns_purpose CHECK (length(purpose) <= 20000 AND length(purpose) >= 1),
	CONSTRAINT ck_campaigns_campaign_type CHECK (campaign_type IN ('product', 'service', 'brand', 'event', 'general')),
	CONSTRAINT ck_campaigns_status CHECK (status IN ('draft', 'active', 'paused', 'completed', 'cancelled', 'archived')),
	CONSTRAINT fk_campaigns_brand_id FOREIGN KEY(organization_id, brand_id) REFERENCES brands (organization_id, id),
	CONSTRAINT fk_campaigns_owner_user_id FOREIGN KEY(organization_id, owner_user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_campaigns_goals CHECK (json_valid(goals)),
	CONSTRAINT ck_campaigns_target_audience CHECK (length(target_audience) <= 20000),
	CONSTRAINT ck_campaigns_creativity_level CHECK (creativity_level >= 1 AND creativity_level <= 10),
	CONSTRAINT fk_campaigns_template_id FOREIGN KEY(organization_id, template_id) REFERENCES campaign_templates (organization_id, id),
	CONSTRAINT fk_campaigns_duplicated_from_id FOREIGN KEY(organization_id, duplicated_from_id) REFERENCES campaigns (organization_id, id),
	CONSTRAINT ck_campaigns_budget_minor CHECK (budget_minor >= 0),
	CONSTRAINT ck_campaigns_currency CHECK (length(currency) <= 3 AND length(currency) >= 3),
	CONSTRAINT fk_campaigns_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_campaigns_version CHECK (version >= 1),
	CONSTRAINT ck_campaigns_end_at CHECK (end_at IS NULL OR start_at IS NULL OR end_at >= start_at)
)
 STRICT;

CREATE INDEX ix_campaigns_brand_id ON campaigns (organization_id, brand_id, id) WHERE brand_id IS NOT NULL;

CREATE INDEX ix_campaigns_campaign_type_status ON campaigns (organization_id, campaign_type, status);

CREATE INDEX ix_campaigns_created_at ON campaigns (organization_id, created_at, id);

CREATE INDEX ix_campaigns_deleted_at ON campaigns (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_campaigns_deletion_id ON campaigns (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_campaigns_duplicated_from_id ON campaigns (organization_id, duplicated_from_id, id) WHERE duplicated_from_id IS NOT NULL;

CREATE INDEX ix_campaigns_name ON campaigns (organization_id, name, id);

CREATE INDEX ix_campaigns_owner_user_id_status ON campaigns (organization_id, owner_user_id, status);

CREATE INDEX ix_campaigns_status_updated_at ON campaigns (organization_id, status, updated_at, id);

CREATE INDEX ix_campaigns_template_id ON campaigns (organization_id, template_id, id) WHERE template_id IS NOT NULL;

CREATE INDEX ix_campaigns_updated_at ON campaigns (organization_id, updated_at, id);

CREATE TABLE campaign_briefs (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	campaign_id TEXT NOT NULL,
	business_description TEXT,
	objective TEXT,
	website TEXT,
	about_page_url TEXT,
	product_url TEXT,
	preferred_design TEXT,
	brand_voice TEXT,
	settings TEXT NOT NULL,
	ai_summary TEXT,
	business_context TEXT,
	suggested_themes TEXT NOT NULL,
	suggested_tags TEXT NOT NULL,
	selected_themes TEXT NOT NULL,
	selected_tags TEXT NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_campaign_briefs PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_campaign_briefs_campaign_id FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
	CONSTRAINT ck_campaign_briefs_business_description CHECK (length(business_description) <= 20000),
	CONSTRAINT ck_campaign_briefs_objective CHECK (length(objective) <= 20000),
	CONSTRAINT ck_campaign_briefs_website CHECK (length(website) <= 2000),
	CONSTRAINT ck_campaign_briefs_about_page_url CHECK (length(about_page_url) <= 2000),
	CONSTRAINT ck_campaign_briefs_product_url CHECK (length(product_url) <= 2000),
	CONSTRAINT ck_campaign_briefs_preferred_design CHECK (length(preferred_design) <= 20000),
	CONSTRAINT ck_campaign_briefs_brand_voice CHECK (length(brand_voice) <= 20000),
	CONSTRAINT ck_campaign_briefs_settings CHECK (json_valid(settings)),
	CONSTRAINT ck_campaign_briefs_ai_summary CHECK (length(ai_summary) <= 20000),
	CONSTRAINT ck_campaign_briefs_business_context CHECK (json_valid(business_context)),
	CONSTRAINT ck_campaign_briefs_suggested_themes CHECK (json_valid(suggested_themes)),
	CONSTRAINT ck_campaign_briefs_suggested_tags CHECK (json_valid(suggested_tags)),
	CONSTRAINT ck_campaign_briefs_selected_themes CHECK (json_valid(selected_themes)),
	CONSTRAINT ck_campaign_briefs_selected_tags CHECK (json_valid(selected_tags)),
	CONSTRAINT fk_campaign_briefs_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_campaign_briefs_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_campaign_briefs_campaign_id ON campaign_briefs (organization_id, campaign_id, id);

CREATE INDEX ix_campaign_briefs_created_at ON campaign_briefs (organization_id, created_at, id);

CREATE INDEX ix_campaign_briefs_deleted_at ON campaign_briefs (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_campaign_briefs_deletion_id ON campaign_briefs (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_campaign_briefs_updated_at ON campaign_briefs (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_campaign_briefs_campaign_id ON campaign_briefs (organization_id, campaign_id) WHERE deleted_at IS NULL;

CREATE TABLE journeys (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	campaign_id TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	status TEXT NOT NULL,
	definition_version INTEGER NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_journeys PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_journeys_campaign_id FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
	CONSTRAINT ck_journeys_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_journeys_status CHECK (status IN ('draft', 'active', 'paused', 'completed', 'cancelled')),
	CONSTRAINT ck_journeys_definition_version CHECK (definition_version >= 1),
	CONSTRAINT fk_journeys_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_journeys_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_journeys_campaign_id ON journeys (organization_id, campaign_id, id);

CREATE INDEX ix_journeys_created_at ON journeys (organization_id, created_at, id);

CREATE INDEX ix_journeys_deleted_at ON journeys (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_journeys_deletion_id ON journeys (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_journeys_name ON journeys (organization_id, name, id);

CREATE INDEX ix_journeys_status_updated_at ON journeys (organization_id, status, updated_at, id);

CREATE INDEX ix_journeys_updated_at ON journeys (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_journeys_campaign_id_name_norm ON journeys (organization_id, campaign_id, name_norm) WHERE deleted_at IS NULL;

CREATE TABLE journey_stages (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	journey_id TEXT NOT NULL,
	"key" TEXT NOT NULL,
	name TEXT NOT NULL,
	position INTEGER NOT NULL,
	kind TEXT NOT NULL,
	config TEXT NOT NULL,
	entry_conditions TEXT,
	delay_hours INTEGER NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_journey_stages PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_journey_stages_journey_id FOREIGN KEY(organization_id, journey_id) REFERENCES journeys (organization_id, id),
	CONSTRAINT ck_journey_stages_key CHECK (length(key) <= 60 AND length(key) >= 1),
	CONSTRAINT ck_journey_stages_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_journey_stages_position CHECK (position >= 0),
	CONSTRAINT ck_journey_stages_kind CHECK (kind IN ('awareness', 'consideration', 'conversion', 'retention', 'advocacy', 'custom')),
	CONSTRAINT ck_journey_stages_config CHECK (json_valid(config)),
	CONSTRAINT ck_journey_stages_entry_conditions CHECK (json_valid(entry_conditions)),
	CONSTRAINT ck_journey_stages_delay_hours CHECK (delay_hours >= 0),
	CONSTRAINT fk_journey_stages_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_journey_stages_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_journey_stages_created_at ON journey_stages (organization_id, created_at, id);

CREATE INDEX ix_journey_stages_deleted_at ON journey_stages (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_journey_stages_deletion_id ON journey_stages (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_journey_stages_journey_id ON journey_stages (organization_id, journey_id, id);

CREATE INDEX ix_journey_stages_position ON journey_stages (organization_id, position, id);

CREATE INDEX ix_journey_stages_updated_at ON journey_stages (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_journey_stages_journey_id_key ON journey_stages (organization_id, journey_id, "key") WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_journey_stages_journey_id_position ON journey_stages (organization_id, journey_id, position) WHERE deleted_at IS NULL;

CREATE TABLE contents (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	campaign_id TEXT NOT NULL,
	journey_id TEXT,
	stage_id TEXT,
	type TEXT NOT NULL,
	title TEXT,
	body TEXT NOT NULL,
	status TEXT NOT NULL,
	channel TEXT,
	language TEXT NOT NULL,
	metadata TEXT,
	content_hash TEXT,
	approved_by TEXT,
	approved_at TEXT,
	published_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_contents PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_contents_campaign_id FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
	CONSTRAINT fk_contents_journey_id FOREIGN KEY(organization_id, journey_id) REFERENCES journeys (organization_id, id),
	CONSTRAINT fk_contents_stage_id FOREIGN KEY(organization_id, stage_id) REFERENCES journey_stages (organization_id, id),
	CONSTRAINT ck_contents_type CHECK (type IN ('email', 'social_post', 'social_ad', 'search_ad', 'blog_post', 'landing_page', 'video_script', 'infographic', 'newsletter', 'press_release')),
	CONSTRAINT ck_contents_title CHECK (length(title) <= 300),
	CONSTRAINT ck_contents_body CHECK (length(body) <= 100000),
	CONSTRAINT ck_contents_status CHECK (status IN ('draft', 'review', 'approved', 'rejected', 'published', 'archived')),
	CONSTRAINT ck_contents_channel CHECK (length(channel) <= 60),
	CONSTRAINT ck_contents_language CHECK (length(language) <= 35 AND length(language) >= 2),
	CONSTRAINT ck_contents_metadata CHECK (json_valid(metadata)),
	CONSTRAINT ck_contents_content_hash CHECK (length(content_hash) <= 64),
	CONSTRAINT fk_contents_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_contents_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_contents_campaign_id_status ON contents (organization_id, campaign_id, status);

CREATE INDEX ix_contents_created_at ON contents (organization_id, created_at, id);

CREATE INDEX ix_contents_deleted_at ON contents (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_contents_deletion_id ON contents (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_contents_journey_id_stage_id ON contents (organization_id, journey_id, stage_id);

CREATE INDEX ix_contents_stage_id ON contents (organization_id, stage_id, id) WHERE stage_id IS NOT NULL;

CREATE INDEX ix_contents_status_updated_at ON contents (organization_id, status, updated_at, id);

CREATE INDEX ix_contents_type_status_updated_at ON contents (organization_id, type, status, updated_at);

CREATE INDEX ix_contents_updated_at ON contents (organization_id, updated_at, id);

CREATE TABLE content_variants (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	content_id TEXT NOT NULL,
	"key" TEXT NOT NULL,
	body TEXT NOT NULL,
	subject TEXT,
	weight_percent INTEGER NOT NULL,
	is_control INTEGER NOT NULL,
	status TEXT NOT NULL,
	metadata TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_content_variants PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_content_variants_content_id FOREIGN KEY(organization_id, content_id) REFERENCES contents (organization_id, id),
	CONSTRAINT ck_content_variants_key CHECK (length(key) <= 60 AND length(key) >= 1),
	CONSTRAINT ck_content_variants_body CHECK (length(body) <= 100000),
	CONSTRAINT ck_content_variants_subject CHECK (length(subject) <= 300),
	CONSTRAINT ck_content_variants_weight_percent CHECK (weight_percent >= 0 AND weight_percent <= 100),
	CONSTRAINT ck_content_variants_is_control CHECK (is_control IN (0, 1)),
	CONSTRAINT ck_content_variants_status CHECK (status IN ('active', 'paused', 'winner', 'loser')),
	CONSTRAINT ck_content_variants_metadata CHECK (json_valid(metadata)),
	CONSTRAINT fk_content_variants_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_content_variants_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_content_variants_content_id ON content_variants (organization_id, content_id, id);

CREATE INDEX ix_content_variants_created_at ON content_variants (organization_id, created_at, id);

CREATE INDEX ix_content_variants_deleted_at ON content_variants (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_content_variants_deletion_id ON content_variants (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_content_variants_updated_at ON content_variants (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_content_variants_content_id ON content_variants (organization_id, content_id) WHERE deleted_at IS NULL AND is_control;

CREATE UNIQUE INDEX uq_content_variants_content_id_key ON content_variants (organization_id, content_id, "key") WHERE deleted_at IS NULL;

CREATE TABLE analytics_events (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	event_key TEXT NOT NULL,
	campaign_id TEXT,
	journey_id TEXT,
	content_id TEXT,
	variant_id TEXT,
	event_type TEXT NOT NULL,
	occurred_at TEXT NOT NULL,
	received_at TEXT NOT NULL,
	session_id TEXT,
	subject_key TEXT,
	source TEXT,
	value_minor INTEGER,
	currency TEXT,
	metrics TEXT NOT NULL,
	dims TEXT,
	campaign_label TEXT,
	content_label TEXT,
	reverses_key TEXT,
	CONSTRAINT pk_analytics_events PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_analytics_events_event_key CHECK (length(event_key) <= 200 AND length(event_key) >= 1),
	CONSTRAINT fk_analytics_events_campaign_id FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
	CONSTRAINT fk_analytics_events_journey_id FOREIGN KEY(organization_id, journey_id) REFERENCES journeys (organization_id, id),
	CONSTRAINT fk_analytics_events_content_id FOREIGN KEY(organization_id, content_id) REFERENCES contents (organization_id, id),
	CONSTRAINT fk_analytics_events_variant_id FOREIGN KEY(organization_id, variant_id) REFERENCES content_variants (organization_id, id),
	CONSTRAINT ck_analytics_events_event_type CHECK (event_type IN ('impression', 'view', 'click', 'open', 'conversion', 'engagement', 'share', 'download', 'signup', 'purchase', 'bounce', 'unsubscribe')),
	CONSTRAINT ck_analytics_events_session_id CHECK (length(session_id) <= 200),
	CONSTRAINT ck_analytics_events_subject_key CHECK (length(subject_key) <= 200),
	CONSTRAINT ck_analytics_events_source CHECK (length(source) <= 100),
	CONSTRAINT ck_analytics_events_currency CHECK (length(currency) <= 3 AND length(currency) >= 3),
	CONSTRAINT ck_analytics_events_metrics CHECK (json_valid(metrics)),
	CONSTRAINT ck_analytics_events_dims CHECK (json_valid(dims)),
	CONSTRAINT ck_analytics_events_campaign_label CHECK (length(campaign_label) <= 300),
	CONSTRAINT ck_analytics_events_content_label CHECK (length(content_label) <= 300),
	CONSTRAINT ck_analytics_events_reverses_key CHECK (length(reverses_key) <= 200)
)
 STRICT;

CREATE INDEX ix_analytics_events_campaign_id_event_type_occurred_at ON analytics_events (organization_id, campaign_id, event_type, occurred_at) WHERE campaign_id IS NOT NULL;

CREATE INDEX ix_analytics_events_content_id_occurred_at ON analytics_events (organization_id, content_id, occurred_at) WHERE content_id IS NOT NULL;

CREATE INDEX ix_analytics_events_journey_id ON analytics_events (organization_id, journey_id) WHERE journey_id IS NOT NULL;

CREATE INDEX ix_analytics_events_occurred_at ON analytics_events (organization_id, occurred_at);

CREATE INDEX ix_analytics_events_variant_id ON analytics_events (organization_id, variant_id) WHERE variant_id IS NOT NULL;

CREATE UNIQUE INDEX uq_analytics_events_event_key ON analytics_events (organization_id, event_key);

CREATE TABLE variant_assignments (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	content_id TEXT NOT NULL,
	subject_key TEXT NOT NULL,
	variant_id TEXT NOT NULL,
	assigned_at TEXT NOT NULL,
	CONSTRAINT pk_variant_assignments PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_variant_assignments_content_id FOREIGN KEY(organization_id, content_id) REFERENCES contents (organization_id, id),
	CONSTRAINT ck_variant_assignments_subject_key CHECK (length(subject_key) <= 200 AND length(subject_key) >= 1),
	CONSTRAINT fk_variant_assignments_variant_id FOREIGN KEY(organization_id, variant_id) REFERENCES content_variants (organization_id, id)
)
 STRICT;

CREATE INDEX ix_variant_assignments_variant_id ON variant_assignments (organization_id, variant_id, id);

CREATE UNIQUE INDEX uq_variant_assignments_content_id_subject_key ON variant_assignments (organization_id, content_id, subject_key);

CREATE VIRTUAL TABLE search_index USING fts5(
    words, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0'
);

CREATE TABLE search_pending (rid INTEGER PRIMARY KEY) STRICT;

CREATE TRIGGER search_documents_insert AFTER INSERT ON search_documents BEGIN
    INSERT OR IGNORE INTO search_pending (rid) VALUES (new.rid);
END;

CREATE TRIGGER search_documents_delete AFTER DELETE ON search_documents BEGIN
    INSERT OR IGNORE INTO search_pending (rid) VALUES (old.rid);
END;

CREATE TRIGGER search_documents_update AFTER UPDATE ON search_documents BEGIN
    INSERT OR IGNORE INTO search_pending (rid) VALUES (new.rid);
END;

CREATE TRIGGER changes_refuse_update BEFORE UPDATE ON changes BEGIN
    SELECT RAISE(ABORT, 'the change log is never changed');
END;

CREATE TRIGGER changes_refuse_delete BEFORE DELETE ON changes
WHEN NOT EXISTS (SELECT 1 FROM instance_facts WHERE name = 'log_retention') BEGIN
    SELECT RAISE(ABORT, 'the change log is deleted by retention only');
END;

CREATE VIEW campaign_summary AS
SELECT c.organization_id, c.id, c.id AS campaign_id, c.name, c.campaign_type, c.status,
  b.name AS brand_name, u.username AS owner_username, u.full_name AS owner_full_name,
  c.start_at, c.end_at, c.created_at, c.updated_at,
  (SELECT count(*) FROM journeys x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS journey_count,
  (SELECT count(*) FROM contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS content_count,
  0 AS generated_content_count, 0 AS selected_content_count, 0 AS published_post_count, 0 AS asset_count,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'impression') AS impressions,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'click') AS clicks,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'conversion') AS conversions,
  CAST((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'click') AS REAL) / nullif((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'impression'), 0) AS ctr,
  (SELECT CASE WHEN count(DISTINCT coalesce(d.currency, '')) = 1 THEN sum(d.value_minor) END FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type IN ('purchase', 'conversion') AND d.value_minor <> 0) AS revenue_minor,
  (SELECT CASE WHEN count(DISTINCT coalesce(d.currency, '')) = 1 THEN max(d.currency) END FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type IN ('purchase', 'conversion') AND d.value_minor <> 0) AS currency,
  (SELECT max(d.last_event_at) FROM analytics_daily d
    WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id) AS last_event_at
FROM campaigns c
LEFT JOIN brands b ON b.organization_id = c.organization_id AND b.id = c.brand_id
LEFT JOIN users u ON u.id = c.owner_user_id
WHERE c.deleted_at IS NULL;

CREATE VIEW content_performance AS
SELECT c.organization_id, c.id, 'content' AS source, c.id AS content_id, c.campaign_id, k.name AS campaign_name,
  c.type AS content_type, c.channel AS platform, c.title, c.status,
  NULL AS is_selected, c.status = 'published' AS is_published,
  NULL AS scheduled_for, c.published_at,
  NULL AS user_rating, NULL AS predicted_engagement,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'impression') AS impressions,
  NULL AS reach,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'click') AS clicks,
  NULL AS likes, NULL AS comments,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'share') AS shares,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'conversion') AS conversions,
  CAST((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type IN ('click', 'engagement', 'share')) AS REAL) / nullif((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'impression'), 0) AS engagement_rate,
  CAST((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'click') AS REAL) / nullif((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'impression'), 0) AS ctr,
  (SELECT max(d.last_event_at) FROM analytics_daily d
    WHERE d.organization_id = c.organization_id AND d.content_id = c.id) AS metrics_as_of,
  c.created_at, u.username
FROM contents c
JOIN campaigns k ON k.organization_id = c.organization_id AND k.id = c.campaign_id
LEFT JOIN users u ON u.id = c.created_by
WHERE c.deleted_at IS NULL;

CREATE VIEW user_activity_summary AS
SELECT m.organization_id, m.user_id AS id, m.user_id, u.username, u.email, u.created_at AS user_since, u.last_login_at,
  (SELECT max(s.last_activity_at) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id) AS last_activity_at,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL) AS total_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.status = 'active' AND x.deleted_at IS NULL) AS active_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.status = 'completed' AND x.deleted_at IS NULL) AS completed_campaigns,
  0 AS total_content_generated, 0 AS selected_content_count, 0 AS published_posts, 0 AS messages_sent,
  (SELECT count(*) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id AND s.revoked_at IS NULL AND s.rotated_at IS NULL
    AND s.expires_at > strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z') AS active_session_count
FROM memberships m
JOIN users u ON u.id = m.user_id
WHERE u.deleted_at IS NULL AND m.status <> 'disabled';
