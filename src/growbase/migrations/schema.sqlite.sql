-- Growbase's schema on SQLite at 0006, written by `growbase db schema`. Migrations make the same.

CREATE TABLE alert_notices (
	id TEXT NOT NULL,
	alert TEXT NOT NULL,
	state TEXT NOT NULL,
	message TEXT NOT NULL,
	way TEXT NOT NULL,
	status TEXT NOT NULL,
	error TEXT,
	created_at TEXT NOT NULL,
	CONSTRAINT pk_alert_notices PRIMARY KEY (id),
	CONSTRAINT ck_alert_notices_alert CHECK (length(alert) <= 300),
	CONSTRAINT ck_alert_notices_state CHECK (state IN ('raised', 'resolved')),
	CONSTRAINT ck_alert_notices_message CHECK (length(message) <= 2000),
	CONSTRAINT ck_alert_notices_way CHECK (length(way) <= 10),
	CONSTRAINT ck_alert_notices_status CHECK (status IN ('queued', 'sending', 'sent', 'failed')),
	CONSTRAINT ck_alert_notices_error CHECK (length(error) <= 500)
)
 STRICT;

CREATE INDEX ix_alert_notices_created_at ON alert_notices (created_at);

CREATE TABLE alerts (
	name TEXT NOT NULL,
	state TEXT NOT NULL,
	message TEXT NOT NULL,
	since TEXT NOT NULL,
	told_at TEXT NOT NULL,
	CONSTRAINT pk_alerts PRIMARY KEY (name),
	CONSTRAINT ck_alerts_name CHECK (length(name) <= 300),
	CONSTRAINT ck_alerts_state CHECK (state IN ('raised', 'resolved')),
	CONSTRAINT ck_alerts_message CHECK (length(message) <= 2000)
)
 STRICT;

CREATE INDEX ix_alerts_state_name ON alerts (state, name);

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

CREATE TABLE backups (
	id TEXT NOT NULL,
	started_at TEXT NOT NULL,
	finished_at TEXT NOT NULL,
	status TEXT NOT NULL,
	error TEXT,
	size_bytes INTEGER,
	row_count INTEGER,
	file_count INTEGER,
	key_id TEXT,
	verified_at TEXT,
	CONSTRAINT pk_backups PRIMARY KEY (id),
	CONSTRAINT ck_backups_id CHECK (length(id) <= 63),
	CONSTRAINT ck_backups_status CHECK (length(status) <= 20),
	CONSTRAINT ck_backups_error CHECK (length(error) <= 2000),
	CONSTRAINT ck_backups_key_id CHECK (length(key_id) <= 32)
)
 STRICT;

CREATE INDEX ix_backups_finished_at ON backups (finished_at);

CREATE TABLE billing_events (
	id TEXT NOT NULL,
	provider TEXT NOT NULL,
	provider_event_id TEXT NOT NULL,
	type TEXT NOT NULL,
	payload TEXT NOT NULL,
	status TEXT NOT NULL,
	occurred_at TEXT NOT NULL,
	received_at TEXT NOT NULL,
	processed_at TEXT,
	error TEXT,
	provider_subscription_id TEXT,
	organization_id TEXT,
	CONSTRAINT pk_billing_events PRIMARY KEY (id),
	CONSTRAINT ck_billing_events_provider CHECK (provider IN ('stripe', 'none')),
	CONSTRAINT ck_billing_events_provider_event_id CHECK (length(provider_event_id) <= 255 AND length(provider_event_id) >= 1),
	CONSTRAINT ck_billing_events_type CHECK (length(type) <= 100 AND length(type) >= 1),
	CONSTRAINT ck_billing_events_payload CHECK (json_valid(payload)),
	CONSTRAINT ck_billing_events_status CHECK (status IN ('received', 'applied', 'ignored', 'failed')),
	CONSTRAINT ck_billing_events_error CHECK (length(error) <= 2000),
	CONSTRAINT ck_billing_events_provider_subscription_id CHECK (length(provider_subscription_id) <= 255)
)
 STRICT;

CREATE INDEX ix_billing_events_provider_provider_subscription_id ON billing_events (provider, provider_subscription_id) WHERE provider_subscription_id IS NOT NULL;

CREATE INDEX ix_billing_events_status ON billing_events (organization_id, status) WHERE organization_id IS NOT NULL;

CREATE UNIQUE INDEX uq_billing_events_provider_provider_event_id ON billing_events (provider, provider_event_id);

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

CREATE UNIQUE INDEX uq_changes_tx_seq ON changes (tx, seq);

CREATE TABLE doctor_reports (
	id TEXT NOT NULL,
	finished_at TEXT NOT NULL,
	errors INTEGER NOT NULL,
	warnings INTEGER NOT NULL,
	findings TEXT NOT NULL,
	CONSTRAINT pk_doctor_reports PRIMARY KEY (id),
	CONSTRAINT ck_doctor_reports_errors CHECK (errors >= 0),
	CONSTRAINT ck_doctor_reports_warnings CHECK (warnings >= 0),
	CONSTRAINT ck_doctor_reports_findings CHECK (json_valid(findings))
)
 STRICT;

CREATE INDEX ix_doctor_reports_finished_at ON doctor_reports (finished_at);

CREATE TABLE drills (
	id TEXT NOT NULL,
	started_at TEXT NOT NULL,
	finished_at TEXT NOT NULL,
	status TEXT NOT NULL,
	error TEXT,
	backup_id TEXT,
	recovery_point_ms INTEGER,
	recovery_time_ms INTEGER,
	row_count INTEGER,
	CONSTRAINT pk_drills PRIMARY KEY (id),
	CONSTRAINT ck_drills_status CHECK (length(status) <= 20),
	CONSTRAINT ck_drills_error CHECK (length(error) <= 2000),
	CONSTRAINT ck_drills_backup_id CHECK (length(backup_id) <= 63)
)
 STRICT;

CREATE INDEX ix_drills_finished_at ON drills (finished_at);

CREATE TABLE erasures (
	id TEXT NOT NULL,
	organization_id TEXT,
	address_hash TEXT NOT NULL,
	key_id TEXT NOT NULL,
	subjects TEXT NOT NULL,
	counts TEXT NOT NULL,
	erased_by TEXT NOT NULL,
	created_at TEXT NOT NULL,
	finished_at TEXT,
	CONSTRAINT pk_erasures PRIMARY KEY (id),
	CONSTRAINT ck_erasures_address_hash CHECK (length(address_hash) <= 64),
	CONSTRAINT ck_erasures_key_id CHECK (length(key_id) <= 32),
	CONSTRAINT ck_erasures_subjects CHECK (json_valid(subjects)),
	CONSTRAINT ck_erasures_counts CHECK (json_valid(counts)),
	CONSTRAINT ck_erasures_erased_by CHECK (length(erased_by) <= 320)
)
 STRICT;

CREATE INDEX ix_erasures_created_at ON erasures (created_at);

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

CREATE TABLE import_chunks (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	import_id TEXT NOT NULL,
	position INTEGER NOT NULL,
	rows TEXT NOT NULL,
	CONSTRAINT pk_import_chunks PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_import_chunks_position CHECK (position >= 0),
	CONSTRAINT ck_import_chunks_rows CHECK (length(rows) <= 16777216)
)
 STRICT;

CREATE UNIQUE INDEX uq_import_chunks_import_id_position ON import_chunks (organization_id, import_id, position);

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
	due INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	max_attempts INTEGER,
	backoff TEXT,
	dedupe_key TEXT,
	lease_until TEXT,
	lease_token TEXT,
	heartbeat_at TEXT,
	worker TEXT,
	cancel_requested_at TEXT,
	progress INTEGER NOT NULL,
	result TEXT,
	error TEXT,
	parent_id TEXT,
	created_at TEXT NOT NULL,
	started_at TEXT,
	finished_at TEXT,
	CONSTRAINT pk_jobs PRIMARY KEY (id),
	CONSTRAINT ck_jobs_queue CHECK (length(queue) <= 63),
	CONSTRAINT ck_jobs_kind CHECK (length(kind) <= 100),
	CONSTRAINT ck_jobs_payload CHECK (json_valid(payload)),
	CONSTRAINT ck_jobs_status CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')),
	CONSTRAINT ck_jobs_due CHECK (due IN (0, 1)),
	CONSTRAINT ck_jobs_attempts CHECK (attempts >= 0),
	CONSTRAINT ck_jobs_max_attempts CHECK (max_attempts >= 1),
	CONSTRAINT ck_jobs_backoff CHECK (json_valid(backoff)),
	CONSTRAINT ck_jobs_dedupe_key CHECK (length(dedupe_key) <= 200),
	CONSTRAINT ck_jobs_worker CHECK (length(worker) <= 200),
	CONSTRAINT ck_jobs_progress CHECK (progress >= 0 AND progress <= 100),
	CONSTRAINT ck_jobs_result CHECK (json_valid(result)),
	CONSTRAINT ck_jobs_error CHECK (json_valid(error))
)
 STRICT;

CREATE INDEX ix_jobs_created_at ON jobs (organization_id, created_at, id);

CREATE INDEX ix_jobs_finished_at ON jobs (finished_at) WHERE status IN ('succeeded', 'cancelled');

CREATE INDEX ix_jobs_queue ON jobs (queue) WHERE status = 'running';

CREATE INDEX ix_jobs_queue_finished_at ON jobs (queue, finished_at) WHERE status IN ('failed', 'dead');

CREATE INDEX ix_jobs_queue_priority ON jobs (queue, coalesce(organization_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), priority, id) WHERE status = 'queued' AND due;

CREATE INDEX ix_jobs_run_at ON jobs (run_at) WHERE status = 'queued' AND NOT due;

CREATE UNIQUE INDEX uq_jobs_queue_dedupe_key ON jobs (queue, coalesce(organization_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), dedupe_key) WHERE dedupe_key IS NOT NULL AND status IN ('queued', 'running');

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

CREATE TABLE plans (
	id TEXT NOT NULL,
	code TEXT NOT NULL,
	name TEXT NOT NULL,
	price_month_minor INTEGER NOT NULL,
	price_year_minor INTEGER,
	currency TEXT NOT NULL,
	limits TEXT NOT NULL,
	features TEXT NOT NULL,
	stripe_product_id TEXT,
	stripe_price_id TEXT,
	is_active INTEGER NOT NULL,
	sort_order INTEGER NOT NULL,
	supersedes_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_plans PRIMARY KEY (id),
	CONSTRAINT ck_plans_code CHECK (length(code) <= 63 AND length(code) >= 1),
	CONSTRAINT ck_plans_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_plans_price_month_minor CHECK (price_month_minor >= 0),
	CONSTRAINT ck_plans_price_year_minor CHECK (price_year_minor >= 0),
	CONSTRAINT ck_plans_currency CHECK (length(currency) <= 3 AND length(currency) >= 3),
	CONSTRAINT ck_plans_limits CHECK (json_valid(limits)),
	CONSTRAINT ck_plans_features CHECK (json_valid(features)),
	CONSTRAINT ck_plans_stripe_product_id CHECK (length(stripe_product_id) <= 255),
	CONSTRAINT ck_plans_stripe_price_id CHECK (length(stripe_price_id) <= 255),
	CONSTRAINT ck_plans_is_active CHECK (is_active IN (0, 1)),
	CONSTRAINT fk_plans_supersedes_id FOREIGN KEY(supersedes_id) REFERENCES plans (id),
	CONSTRAINT ck_plans_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_plans_created_at ON plans (created_at, id);

CREATE INDEX ix_plans_sort_order ON plans (sort_order, id);

CREATE INDEX ix_plans_supersedes_id ON plans (supersedes_id, id) WHERE supersedes_id IS NOT NULL;

CREATE INDEX ix_plans_updated_at ON plans (updated_at, id);

CREATE UNIQUE INDEX uq_plans_code ON plans (code) WHERE is_active;

CREATE UNIQUE INDEX uq_plans_stripe_price_id ON plans (stripe_price_id);

CREATE UNIQUE INDEX uq_plans_stripe_product_id ON plans (stripe_product_id) WHERE is_active;

CREATE TABLE processes (
	id TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	version TEXT NOT NULL,
	started_at TEXT NOT NULL,
	seen_at TEXT NOT NULL,
	CONSTRAINT pk_processes PRIMARY KEY (id),
	CONSTRAINT ck_processes_kind CHECK (kind IN ('server', 'worker')),
	CONSTRAINT ck_processes_name CHECK (length(name) <= 200),
	CONSTRAINT ck_processes_version CHECK (length(version) <= 40)
)
 STRICT;

CREATE TABLE queues (
	name TEXT NOT NULL,
	paused_at TEXT,
	paused_by TEXT,
	CONSTRAINT pk_queues PRIMARY KEY (name),
	CONSTRAINT ck_queues_name CHECK (length(name) <= 63)
)
 STRICT;

CREATE TABLE readers (
	name TEXT NOT NULL,
	position_tx INTEGER NOT NULL,
	position_seq INTEGER NOT NULL,
	updated_at TEXT NOT NULL,
	CONSTRAINT pk_readers PRIMARY KEY (name),
	CONSTRAINT ck_readers_name CHECK (length(name) <= 63)
)
 STRICT;

CREATE TABLE region_arrivals (
	organization_id TEXT NOT NULL,
	name TEXT NOT NULL,
	number INTEGER NOT NULL,
	body TEXT NOT NULL,
	created_at TEXT NOT NULL,
	CONSTRAINT pk_region_arrivals PRIMARY KEY (organization_id, name, number),
	CONSTRAINT ck_region_arrivals_name CHECK (length(name) <= 200),
	CONSTRAINT ck_region_arrivals_body CHECK (length(body) <= 67108864)
)
 STRICT;

CREATE TABLE region_directory (
	hash TEXT NOT NULL,
	region TEXT NOT NULL,
	is_there INTEGER NOT NULL,
	number INTEGER NOT NULL,
	subject_id TEXT,
	CONSTRAINT pk_region_directory PRIMARY KEY (hash, region),
	CONSTRAINT ck_region_directory_hash CHECK (length(hash) <= 64),
	CONSTRAINT ck_region_directory_region CHECK (length(region) <= 16),
	CONSTRAINT ck_region_directory_is_there CHECK (is_there IN (0, 1))
)
 STRICT;

CREATE INDEX ix_region_directory_region_number ON region_directory (region, number);

CREATE INDEX ix_region_directory_subject_id ON region_directory (subject_id) WHERE subject_id IS NOT NULL;

CREATE TABLE retention_runs (
	id TEXT NOT NULL,
	token TEXT NOT NULL,
	started_at TEXT NOT NULL,
	updated_at TEXT NOT NULL,
	finished_at TEXT,
	rows INTEGER NOT NULL,
	held INTEGER NOT NULL,
	rules TEXT NOT NULL,
	error TEXT,
	CONSTRAINT pk_retention_runs PRIMARY KEY (id),
	CONSTRAINT ck_retention_runs_rules CHECK (json_valid(rules)),
	CONSTRAINT ck_retention_runs_error CHECK (length(error) <= 2000)
)
 STRICT;

CREATE INDEX ix_retention_runs_started_at ON retention_runs (started_at);

CREATE TABLE schedules (
	name TEXT NOT NULL,
	rule TEXT NOT NULL,
	next_run_at TEXT NOT NULL,
	paused_at TEXT,
	last_run_at TEXT,
	last_status TEXT,
	last_error TEXT,
	last_rows INTEGER,
	CONSTRAINT pk_schedules PRIMARY KEY (name),
	CONSTRAINT ck_schedules_name CHECK (length(name) <= 200),
	CONSTRAINT ck_schedules_rule CHECK (length(rule) <= 200),
	CONSTRAINT ck_schedules_last_status CHECK (length(last_status) <= 20),
	CONSTRAINT ck_schedules_last_error CHECK (length(last_error) <= 2000)
)
 STRICT;

CREATE INDEX ix_schedules_next_run_at ON schedules (next_run_at);

CREATE TABLE seal_keys (
	id TEXT NOT NULL,
	key_cipher BLOB NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_seal_keys PRIMARY KEY (id),
	CONSTRAINT ck_seal_keys_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_seal_keys_created_at ON seal_keys (created_at, id);

CREATE INDEX ix_seal_keys_updated_at ON seal_keys (updated_at, id);

CREATE TABLE seals (
	number INTEGER NOT NULL,
	kind TEXT NOT NULL,
	from_tx INTEGER NOT NULL,
	from_seq INTEGER NOT NULL,
	to_tx INTEGER NOT NULL,
	to_seq INTEGER NOT NULL,
	row_count INTEGER NOT NULL,
	row_hashes TEXT NOT NULL,
	previous TEXT NOT NULL,
	digest TEXT NOT NULL,
	key_id TEXT NOT NULL,
	sealed_at TEXT NOT NULL,
	CONSTRAINT pk_seals PRIMARY KEY (number),
	CONSTRAINT ck_seals_kind CHECK (kind IN ('span', 'anchor')),
	CONSTRAINT ck_seals_row_count CHECK (row_count >= 0),
	CONSTRAINT ck_seals_row_hashes CHECK (length(row_hashes) <= 100000),
	CONSTRAINT ck_seals_previous CHECK (length(previous) <= 64),
	CONSTRAINT ck_seals_digest CHECK (length(digest) <= 64)
)
 STRICT;

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

CREATE TABLE subject_keys (
	id TEXT NOT NULL,
	key_cipher BLOB NOT NULL,
	CONSTRAINT pk_subject_keys PRIMARY KEY (id)
)
 STRICT;

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

CREATE TABLE address_keys (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	key_cipher BLOB NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_address_keys PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_address_keys_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_address_keys_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_address_keys_created_at ON address_keys (organization_id, created_at, id);

CREATE INDEX ix_address_keys_updated_at ON address_keys (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_address_keys_organization_id ON address_keys (organization_id);

CREATE TABLE ai_strategies (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	version_number INTEGER NOT NULL,
	status TEXT NOT NULL,
	positioning TEXT NOT NULL,
	audience_segments TEXT NOT NULL,
	content_pillars TEXT NOT NULL,
	channel_plan TEXT NOT NULL,
	cadence TEXT NOT NULL,
	calendar_skeleton TEXT NOT NULL,
	generated_by TEXT,
	confidence REAL,
	error TEXT,
	accepted_at TEXT,
	accepted_by TEXT,
	supersedes_id TEXT,
	model TEXT,
	model_version TEXT,
	prompt_hash TEXT,
	input_tokens INTEGER,
	output_tokens INTEGER,
	cost_micros INTEGER,
	job_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_ai_strategies PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_ai_strategies_version_number CHECK (version_number >= 1),
	CONSTRAINT ck_ai_strategies_status CHECK (status IN ('generating', 'proposed', 'active', 'rejected', 'archived', 'failed')),
	CONSTRAINT ck_ai_strategies_positioning CHECK (json_valid(positioning)),
	CONSTRAINT ck_ai_strategies_audience_segments CHECK (json_valid(audience_segments)),
	CONSTRAINT ck_ai_strategies_content_pillars CHECK (json_valid(content_pillars)),
	CONSTRAINT ck_ai_strategies_channel_plan CHECK (json_valid(channel_plan)),
	CONSTRAINT ck_ai_strategies_cadence CHECK (json_valid(cadence)),
	CONSTRAINT ck_ai_strategies_calendar_skeleton CHECK (json_valid(calendar_skeleton)),
	CONSTRAINT ck_ai_strategies_generated_by CHECK (length(generated_by) <= 200),
	CONSTRAINT ck_ai_strategies_confidence CHECK (confidence >= 0 AND confidence <= 1),
	CONSTRAINT ck_ai_strategies_error CHECK (length(error) <= 2000),
	CONSTRAINT fk_ai_strategies_supersedes_id FOREIGN KEY(organization_id, supersedes_id) REFERENCES ai_strategies (organization_id, id),
	CONSTRAINT ck_ai_strategies_model CHECK (length(model) <= 100),
	CONSTRAINT ck_ai_strategies_model_version CHECK (length(model_version) <= 100),
	CONSTRAINT ck_ai_strategies_prompt_hash CHECK (length(prompt_hash) <= 64),
	CONSTRAINT ck_ai_strategies_input_tokens CHECK (input_tokens >= 0),
	CONSTRAINT ck_ai_strategies_output_tokens CHECK (output_tokens >= 0),
	CONSTRAINT ck_ai_strategies_cost_micros CHECK (cost_micros >= 0),
	CONSTRAINT fk_ai_strategies_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_ai_strategies_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_ai_strategies_created_at ON ai_strategies (organization_id, created_at, id);

CREATE INDEX ix_ai_strategies_supersedes_id ON ai_strategies (organization_id, supersedes_id, id) WHERE supersedes_id IS NOT NULL;

CREATE INDEX ix_ai_strategies_updated_at ON ai_strategies (organization_id, updated_at, id);

CREATE INDEX ix_ai_strategies_version_number ON ai_strategies (organization_id, version_number, id);

CREATE UNIQUE INDEX uq_ai_strategies_job_id ON ai_strategies (organization_id, job_id) WHERE job_id IS NOT NULL;

CREATE UNIQUE INDEX uq_ai_strategies_status ON ai_strategies (organization_id, status) WHERE status = 'active';

CREATE UNIQUE INDEX uq_ai_strategies_version_number ON ai_strategies (organization_id, version_number);

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

CREATE TABLE auth_accounts (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	provider TEXT NOT NULL,
	provider_account_id TEXT NOT NULL,
	access_token_cipher BLOB,
	refresh_token_cipher BLOB,
	scope TEXT,
	expires_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_auth_accounts PRIMARY KEY (id),
	CONSTRAINT fk_auth_accounts_user_id FOREIGN KEY(user_id) REFERENCES users (id),
	CONSTRAINT ck_auth_accounts_provider CHECK (length(provider) <= 40 AND length(provider) >= 1),
	CONSTRAINT ck_auth_accounts_provider_account_id CHECK (length(provider_account_id) <= 255 AND length(provider_account_id) >= 1),
	CONSTRAINT ck_auth_accounts_scope CHECK (length(scope) <= 2000),
	CONSTRAINT ck_auth_accounts_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_auth_accounts_created_at ON auth_accounts (created_at, id);

CREATE INDEX ix_auth_accounts_updated_at ON auth_accounts (updated_at, id);

CREATE INDEX ix_auth_accounts_user_id ON auth_accounts (user_id, id);

CREATE UNIQUE INDEX uq_auth_accounts_provider_provider_account_id ON auth_accounts (provider, provider_account_id);

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

CREATE TABLE canned_replies (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	shortcut TEXT,
	language TEXT NOT NULL,
	body TEXT NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_canned_replies PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_canned_replies_name CHECK (length(name) <= 100 AND length(name) >= 1),
	CONSTRAINT ck_canned_replies_shortcut CHECK (length(shortcut) <= 40),
	CONSTRAINT ck_canned_replies_language CHECK (length(language) <= 35 AND length(language) >= 2),
	CONSTRAINT ck_canned_replies_body CHECK (length(body) <= 20000 AND length(body) >= 1),
	CONSTRAINT fk_canned_replies_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_canned_replies_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_canned_replies_created_at ON canned_replies (organization_id, created_at, id);

CREATE INDEX ix_canned_replies_deleted_at ON canned_replies (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_canned_replies_deletion_id ON canned_replies (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_canned_replies_name ON canned_replies (organization_id, name, id);

CREATE INDEX ix_canned_replies_updated_at ON canned_replies (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_canned_replies_name_norm_language ON canned_replies (organization_id, name_norm, language) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_canned_replies_shortcut ON canned_replies (organization_id, shortcut) WHERE deleted_at IS NULL AND shortcut IS NOT NULL;

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

CREATE TABLE founders (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	role TEXT,
	email TEXT,
	bio TEXT,
	image_url TEXT,
	linkedin_url TEXT,
	twitter_handle TEXT,
	is_primary INTEGER NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_founders PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_founders_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_founders_role CHECK (length(role) <= 200),
	CONSTRAINT ck_founders_email CHECK (length(email) <= 320),
	CONSTRAINT ck_founders_bio CHECK (length(bio) <= 20000),
	CONSTRAINT ck_founders_image_url CHECK (length(image_url) <= 2000),
	CONSTRAINT ck_founders_linkedin_url CHECK (length(linkedin_url) <= 2000),
	CONSTRAINT ck_founders_twitter_handle CHECK (length(twitter_handle) <= 100),
	CONSTRAINT ck_founders_is_primary CHECK (is_primary IN (0, 1)),
	CONSTRAINT fk_founders_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_founders_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_founders_created_at ON founders (organization_id, created_at, id);

CREATE INDEX ix_founders_deleted_at ON founders (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_founders_deletion_id ON founders (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_founders_name ON founders (organization_id, name, id);

CREATE INDEX ix_founders_updated_at ON founders (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_founders_is_primary ON founders (organization_id, is_primary) WHERE deleted_at IS NULL AND is_primary;

CREATE TABLE imports (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	status TEXT NOT NULL,
	options TEXT NOT NULL,
	content_hash TEXT,
	row_count INTEGER NOT NULL,
	done_count INTEGER NOT NULL,
	created_count INTEGER NOT NULL,
	updated_count INTEGER NOT NULL,
	unchanged_count INTEGER NOT NULL,
	skipped_count INTEGER NOT NULL,
	suppressed_count INTEGER NOT NULL,
	error_count INTEGER NOT NULL,
	errors TEXT NOT NULL,
	ignored_columns TEXT NOT NULL,
	job_id TEXT,
	failure TEXT,
	finished_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_imports PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_imports_status CHECK (status IN ('queued', 'running', 'succeeded', 'failed')),
	CONSTRAINT ck_imports_options CHECK (json_valid(options)),
	CONSTRAINT ck_imports_content_hash CHECK (length(content_hash) <= 64),
	CONSTRAINT ck_imports_row_count CHECK (row_count >= 0),
	CONSTRAINT ck_imports_done_count CHECK (done_count >= 0),
	CONSTRAINT ck_imports_created_count CHECK (created_count >= 0),
	CONSTRAINT ck_imports_updated_count CHECK (updated_count >= 0),
	CONSTRAINT ck_imports_unchanged_count CHECK (unchanged_count >= 0),
	CONSTRAINT ck_imports_skipped_count CHECK (skipped_count >= 0),
	CONSTRAINT ck_imports_suppressed_count CHECK (suppressed_count >= 0),
	CONSTRAINT ck_imports_error_count CHECK (error_count >= 0),
	CONSTRAINT ck_imports_errors CHECK (json_valid(errors)),
	CONSTRAINT ck_imports_ignored_columns CHECK (json_valid(ignored_columns)),
	CONSTRAINT ck_imports_failure CHECK (length(failure) <= 2000),
	CONSTRAINT fk_imports_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_imports_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_imports_created_at ON imports (organization_id, created_at, id);

CREATE INDEX ix_imports_status_updated_at ON imports (organization_id, status, updated_at, id);

CREATE INDEX ix_imports_updated_at ON imports (organization_id, updated_at, id);

CREATE TABLE legal_holds (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	entity TEXT,
	entity_id TEXT,
	reason TEXT NOT NULL,
	released_at TEXT,
	released_by TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_legal_holds PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_legal_holds_entity CHECK (length(entity) <= 63),
	CONSTRAINT ck_legal_holds_reason CHECK (length(reason) <= 500 AND length(reason) >= 1),
	CONSTRAINT fk_legal_holds_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_legal_holds_version CHECK (version >= 1),
	CONSTRAINT ck_legal_holds_entity_and_id CHECK ((entity IS NULL) = (entity_id IS NULL))
)
 STRICT;

CREATE INDEX ix_legal_holds_created_at ON legal_holds (organization_id, created_at, id);

CREATE INDEX ix_legal_holds_entity_entity_id ON legal_holds (organization_id, entity, entity_id) WHERE released_at IS NULL;

CREATE INDEX ix_legal_holds_updated_at ON legal_holds (organization_id, updated_at, id);

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

CREATE TABLE platform_apps (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	platform TEXT NOT NULL,
	instance_url TEXT NOT NULL,
	redirect_uri TEXT NOT NULL,
	client_id TEXT NOT NULL,
	client_secret_cipher BLOB NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_platform_apps PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_platform_apps_platform CHECK (length(platform) <= 63),
	CONSTRAINT ck_platform_apps_instance_url CHECK (length(instance_url) <= 2000),
	CONSTRAINT ck_platform_apps_redirect_uri CHECK (length(redirect_uri) <= 2000),
	CONSTRAINT ck_platform_apps_client_id CHECK (length(client_id) <= 2000),
	CONSTRAINT fk_platform_apps_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_platform_apps_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_platform_apps_created_at ON platform_apps (organization_id, created_at, id);

CREATE INDEX ix_platform_apps_updated_at ON platform_apps (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_platform_apps_platform_instance_url_redirect_uri ON platform_apps (organization_id, platform, instance_url, redirect_uri);

CREATE TABLE series (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	description TEXT,
	platform TEXT NOT NULL,
	cadence TEXT NOT NULL,
	total_posts INTEGER,
	status TEXT NOT NULL,
	start_at TEXT,
	end_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_series PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_series_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_series_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_series_platform CHECK (platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')),
	CONSTRAINT ck_series_cadence CHECK (cadence IN ('daily', 'weekly', 'biweekly', 'monthly')),
	CONSTRAINT ck_series_total_posts CHECK (total_posts >= 1),
	CONSTRAINT ck_series_status CHECK (status IN ('active', 'paused', 'completed', 'cancelled')),
	CONSTRAINT fk_series_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_series_version CHECK (version >= 1),
	CONSTRAINT ck_series_one_platform CHECK (platform <> 'general'),
	CONSTRAINT ck_series_end_at CHECK (end_at IS NULL OR start_at IS NULL OR end_at >= start_at)
)
 STRICT;

CREATE INDEX ix_series_created_at ON series (organization_id, created_at, id);

CREATE INDEX ix_series_deleted_at ON series (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_series_deletion_id ON series (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_series_name ON series (organization_id, name, id);

CREATE INDEX ix_series_updated_at ON series (organization_id, updated_at, id);

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

CREATE TABLE stores (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	platform TEXT NOT NULL,
	domain TEXT NOT NULL,
	shop_domain TEXT NOT NULL,
	name TEXT,
	plan_level TEXT NOT NULL,
	status TEXT NOT NULL,
	timezone TEXT NOT NULL,
	access_token_cipher BLOB,
	encryption_version INTEGER NOT NULL,
	scope_hash TEXT,
	onboarding TEXT NOT NULL,
	onboarding_completed_at TEXT,
	last_synced_at TEXT,
	connected_at TEXT,
	verified_at TEXT,
	disconnected_at TEXT,
	currency TEXT NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_stores PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_stores_platform CHECK (platform IN ('shopify', 'custom')),
	CONSTRAINT ck_stores_domain CHECK (length(domain) <= 253 AND length(domain) >= 3),
	CONSTRAINT ck_stores_shop_domain CHECK (length(shop_domain) <= 253 AND length(shop_domain) >= 3),
	CONSTRAINT ck_stores_name CHECK (length(name) <= 200),
	CONSTRAINT ck_stores_plan_level CHECK (length(plan_level) <= 50 AND length(plan_level) >= 1),
	CONSTRAINT ck_stores_status CHECK (status IN ('onboarding', 'active', 'suspended', 'disconnected', 'archived')),
	CONSTRAINT ck_stores_timezone CHECK (length(timezone) <= 64 AND length(timezone) >= 1),
	CONSTRAINT ck_stores_encryption_version CHECK (encryption_version >= 1),
	CONSTRAINT ck_stores_scope_hash CHECK (length(scope_hash) <= 128),
	CONSTRAINT ck_stores_onboarding CHECK (json_valid(onboarding)),
	CONSTRAINT ck_stores_currency CHECK (length(currency) <= 3 AND length(currency) >= 3),
	CONSTRAINT fk_stores_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_stores_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_stores_created_at ON stores (organization_id, created_at, id);

CREATE INDEX ix_stores_deleted_at ON stores (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_stores_deletion_id ON stores (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_stores_name ON stores (organization_id, name, id);

CREATE INDEX ix_stores_shop_domain ON stores (shop_domain);

CREATE INDEX ix_stores_status ON stores (organization_id, status, id);

CREATE INDEX ix_stores_updated_at ON stores (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_stores_platform_domain ON stores (organization_id, platform, domain) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_stores_platform_shop_domain ON stores (organization_id, platform, shop_domain) WHERE deleted_at IS NULL;

CREATE TABLE usage_counters (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	metric TEXT NOT NULL,
	period_start TEXT NOT NULL,
	period_end TEXT NOT NULL,
	used INTEGER NOT NULL,
	reserved INTEGER NOT NULL,
	limit_value INTEGER,
	checked_at TEXT NOT NULL,
	CONSTRAINT pk_usage_counters PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_usage_counters_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_usage_counters_metric CHECK (metric IN ('posts_generated', 'posts_published', 'strategies_generated', 'content_generated', 'prospects', 'icps', 'sequences', 'messages_sent', 'organizations', 'team_members', 'api_calls', 'storage_bytes')),
	CONSTRAINT ck_usage_counters_used CHECK (used >= 0),
	CONSTRAINT ck_usage_counters_reserved CHECK (reserved >= 0),
	CONSTRAINT ck_usage_counters_limit_value CHECK (limit_value >= 0),
	CONSTRAINT ck_usage_counters_period CHECK (period_end > period_start)
)
 STRICT;

CREATE INDEX ix_usage_counters_checked_at ON usage_counters (checked_at);

CREATE UNIQUE INDEX uq_usage_counters_metric_period_start ON usage_counters (organization_id, metric, period_start);

CREATE TABLE webhook_endpoints (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	url TEXT NOT NULL,
	description TEXT,
	events TEXT NOT NULL,
	status TEXT NOT NULL,
	secret_cipher BLOB NOT NULL,
	previous_secret_cipher BLOB,
	previous_secret_until TEXT,
	failure_count INTEGER NOT NULL,
	failing_since TEXT,
	disabled_at TEXT,
	disabled_reason TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_webhook_endpoints PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_webhook_endpoints_url CHECK (length(url) <= 2000 AND length(url) >= 1),
	CONSTRAINT ck_webhook_endpoints_description CHECK (length(description) <= 500),
	CONSTRAINT ck_webhook_endpoints_events CHECK (json_valid(events)),
	CONSTRAINT ck_webhook_endpoints_status CHECK (status IN ('active', 'disabled')),
	CONSTRAINT ck_webhook_endpoints_failure_count CHECK (failure_count >= 0),
	CONSTRAINT ck_webhook_endpoints_disabled_reason CHECK (length(disabled_reason) <= 500),
	CONSTRAINT fk_webhook_endpoints_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_webhook_endpoints_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_webhook_endpoints_created_at ON webhook_endpoints (organization_id, created_at, id);

CREATE INDEX ix_webhook_endpoints_deleted_at ON webhook_endpoints (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_webhook_endpoints_deletion_id ON webhook_endpoints (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_webhook_endpoints_status ON webhook_endpoints (status, organization_id);

CREATE INDEX ix_webhook_endpoints_updated_at ON webhook_endpoints (organization_id, updated_at, id);

CREATE TABLE ai_insights (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	user_id TEXT,
	type TEXT NOT NULL,
	title TEXT NOT NULL,
	description TEXT NOT NULL,
	priority TEXT NOT NULL,
	actionable INTEGER NOT NULL,
	subject_type TEXT,
	subject_id TEXT,
	dedupe_key TEXT,
	confidence REAL,
	metadata TEXT,
	status TEXT NOT NULL,
	read_at TEXT,
	expires_at TEXT,
	model TEXT,
	model_version TEXT,
	prompt_hash TEXT,
	input_tokens INTEGER,
	output_tokens INTEGER,
	cost_micros INTEGER,
	job_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_ai_insights PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_ai_insights_user_id FOREIGN KEY(organization_id, user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_ai_insights_type CHECK (type IN ('performance', 'recommendation', 'alert', 'trend', 'prediction')),
	CONSTRAINT ck_ai_insights_title CHECK (length(title) <= 300 AND length(title) >= 1),
	CONSTRAINT ck_ai_insights_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_ai_insights_priority CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
	CONSTRAINT ck_ai_insights_actionable CHECK (actionable IN (0, 1)),
	CONSTRAINT ck_ai_insights_subject_type CHECK (length(subject_type) <= 63),
	CONSTRAINT ck_ai_insights_dedupe_key CHECK (length(dedupe_key) <= 200),
	CONSTRAINT ck_ai_insights_confidence CHECK (confidence >= 0 AND confidence <= 1),
	CONSTRAINT ck_ai_insights_metadata CHECK (json_valid(metadata)),
	CONSTRAINT ck_ai_insights_status CHECK (status IN ('new', 'read', 'acted', 'dismissed', 'expired')),
	CONSTRAINT ck_ai_insights_model CHECK (length(model) <= 100),
	CONSTRAINT ck_ai_insights_model_version CHECK (length(model_version) <= 100),
	CONSTRAINT ck_ai_insights_prompt_hash CHECK (length(prompt_hash) <= 64),
	CONSTRAINT ck_ai_insights_input_tokens CHECK (input_tokens >= 0),
	CONSTRAINT ck_ai_insights_output_tokens CHECK (output_tokens >= 0),
	CONSTRAINT ck_ai_insights_cost_micros CHECK (cost_micros >= 0),
	CONSTRAINT fk_ai_insights_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_ai_insights_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_ai_insights_created_at ON ai_insights (organization_id, created_at, id);

CREATE INDEX ix_ai_insights_status_expires_at ON ai_insights (status, expires_at);

CREATE INDEX ix_ai_insights_updated_at ON ai_insights (organization_id, updated_at, id);

CREATE INDEX ix_ai_insights_user_id_status_priority_created_at ON ai_insights (organization_id, user_id, status, priority, created_at);

CREATE UNIQUE INDEX uq_ai_insights_dedupe_key ON ai_insights (organization_id, dedupe_key) WHERE dedupe_key IS NOT NULL;

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

CREATE TABLE comments (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	resource TEXT NOT NULL,
	row_id TEXT NOT NULL,
	author_user_id TEXT,
	text TEXT NOT NULL,
	mentions TEXT NOT NULL,
	resolved_at TEXT,
	resolved_by TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_comments PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_comments_resource CHECK (length(resource) <= 63 AND length(resource) >= 1),
	CONSTRAINT fk_comments_author_user_id FOREIGN KEY(organization_id, author_user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_comments_text CHECK (length(text) <= 10000 AND length(text) >= 1),
	CONSTRAINT ck_comments_mentions CHECK (json_valid(mentions)),
	CONSTRAINT fk_comments_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_comments_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_comments_author_user_id ON comments (organization_id, author_user_id, id) WHERE author_user_id IS NOT NULL;

CREATE INDEX ix_comments_created_at ON comments (organization_id, created_at, id);

CREATE INDEX ix_comments_deleted_at ON comments (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_comments_deletion_id ON comments (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_comments_row_id_created_at ON comments (organization_id, row_id, created_at, id);

CREATE INDEX ix_comments_updated_at ON comments (organization_id, updated_at, id);

CREATE TABLE connection_attempts (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	actor_id TEXT NOT NULL,
	platform TEXT NOT NULL,
	app_id TEXT NOT NULL,
	founder_id TEXT,
	verifier_cipher BLOB NOT NULL,
	expires_at TEXT NOT NULL,
	used_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_connection_attempts PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_connection_attempts_platform CHECK (length(platform) <= 63),
	CONSTRAINT fk_connection_attempts_app_id FOREIGN KEY(organization_id, app_id) REFERENCES platform_apps (organization_id, id),
	CONSTRAINT fk_connection_attempts_founder_id FOREIGN KEY(organization_id, founder_id) REFERENCES founders (organization_id, id),
	CONSTRAINT fk_connection_attempts_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_connection_attempts_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_connection_attempts_app_id ON connection_attempts (organization_id, app_id, id);

CREATE INDEX ix_connection_attempts_created_at ON connection_attempts (organization_id, created_at, id);

CREATE INDEX ix_connection_attempts_expires_at ON connection_attempts (expires_at);

CREATE INDEX ix_connection_attempts_founder_id ON connection_attempts (organization_id, founder_id, id) WHERE founder_id IS NOT NULL;

CREATE INDEX ix_connection_attempts_updated_at ON connection_attempts (organization_id, updated_at, id);

CREATE TABLE connection_events (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	integration TEXT NOT NULL,
	status TEXT NOT NULL,
	correlation_id TEXT,
	message TEXT,
	latency_ms INTEGER,
	metadata TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_connection_events PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_connection_events_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_connection_events_integration CHECK (integration IN ('shopify', 'ga4', 'gsc', 'bing', 'mcp', 'klaviyo', 'custom')),
	CONSTRAINT ck_connection_events_status CHECK (status IN ('success', 'failure', 'warning', 'info')),
	CONSTRAINT ck_connection_events_correlation_id CHECK (length(correlation_id) <= 200),
	CONSTRAINT ck_connection_events_message CHECK (length(message) <= 1000),
	CONSTRAINT ck_connection_events_latency_ms CHECK (latency_ms >= 0),
	CONSTRAINT ck_connection_events_metadata CHECK (json_valid(metadata)),
	CONSTRAINT fk_connection_events_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_connection_events_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_connection_events_created_at ON connection_events (organization_id, created_at, id);

CREATE INDEX ix_connection_events_created_at_integration ON connection_events (created_at, integration);

CREATE INDEX ix_connection_events_store_id_integration_created_at ON connection_events (organization_id, store_id, integration, created_at);

CREATE INDEX ix_connection_events_updated_at ON connection_events (organization_id, updated_at, id);

CREATE TABLE content_pillars (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	description TEXT,
	color TEXT,
	emoji TEXT,
	is_active INTEGER NOT NULL,
	sort_order INTEGER NOT NULL,
	strategy_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_content_pillars PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_content_pillars_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_content_pillars_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_content_pillars_color CHECK (length(color) <= 30),
	CONSTRAINT ck_content_pillars_emoji CHECK (length(emoji) <= 20),
	CONSTRAINT ck_content_pillars_is_active CHECK (is_active IN (0, 1)),
	CONSTRAINT fk_content_pillars_strategy_id FOREIGN KEY(organization_id, strategy_id) REFERENCES ai_strategies (organization_id, id),
	CONSTRAINT fk_content_pillars_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_content_pillars_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_content_pillars_created_at ON content_pillars (organization_id, created_at, id);

CREATE INDEX ix_content_pillars_deleted_at ON content_pillars (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_content_pillars_deletion_id ON content_pillars (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_content_pillars_name ON content_pillars (organization_id, name, id);

CREATE INDEX ix_content_pillars_sort_order ON content_pillars (organization_id, sort_order, id);

CREATE INDEX ix_content_pillars_strategy_id ON content_pillars (organization_id, strategy_id, id) WHERE strategy_id IS NOT NULL;

CREATE INDEX ix_content_pillars_updated_at ON content_pillars (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_content_pillars_name_norm ON content_pillars (organization_id, name_norm) WHERE deleted_at IS NULL;

CREATE TABLE icps (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	description TEXT,
	criteria TEXT NOT NULL,
	is_active INTEGER NOT NULL,
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
	CONSTRAINT pk_icps PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_icps_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_icps_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_icps_criteria CHECK (json_valid(criteria)),
	CONSTRAINT ck_icps_is_active CHECK (is_active IN (0, 1)),
	CONSTRAINT fk_icps_owner_user_id FOREIGN KEY(organization_id, owner_user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT fk_icps_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_icps_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_icps_created_at ON icps (organization_id, created_at, id);

CREATE INDEX ix_icps_deleted_at ON icps (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_icps_deletion_id ON icps (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_icps_name ON icps (organization_id, name, id);

CREATE INDEX ix_icps_owner_user_id ON icps (organization_id, owner_user_id, id) WHERE owner_user_id IS NOT NULL;

CREATE INDEX ix_icps_updated_at ON icps (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_icps_name_norm ON icps (organization_id, name_norm) WHERE deleted_at IS NULL;

CREATE TABLE kpi_cache (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	metric_key TEXT NOT NULL,
	range_start TEXT NOT NULL,
	range_end TEXT NOT NULL,
	granularity TEXT NOT NULL,
	payload TEXT NOT NULL,
	refreshed_at TEXT NOT NULL,
	expires_at TEXT,
	source_watermark TEXT,
	refresh_lock_until TEXT,
	wanted_at TEXT,
	CONSTRAINT pk_kpi_cache PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_kpi_cache_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_kpi_cache_metric_key CHECK (length(metric_key) <= 80 AND length(metric_key) >= 1),
	CONSTRAINT ck_kpi_cache_granularity CHECK (granularity IN ('total', 'day', 'week', 'month')),
	CONSTRAINT ck_kpi_cache_payload CHECK (json_valid(payload)),
	CONSTRAINT ck_kpi_cache_range CHECK (range_end > range_start)
)
 STRICT;

CREATE INDEX ix_kpi_cache_expires_at ON kpi_cache (expires_at);

CREATE UNIQUE INDEX uq_kpi_cache_store_id_metric_key_range_start_range_end_granu ON kpi_cache (organization_id, store_id, metric_key, range_start, range_end, granularity);

CREATE TABLE notifications (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	title TEXT NOT NULL,
	body TEXT,
	link TEXT,
	read_at TEXT,
	dedupe_key TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_notifications PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_notifications_user_id FOREIGN KEY(organization_id, user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_notifications_kind CHECK (length(kind) <= 100 AND length(kind) >= 1),
	CONSTRAINT ck_notifications_title CHECK (length(title) <= 300 AND length(title) >= 1),
	CONSTRAINT ck_notifications_body CHECK (length(body) <= 4000),
	CONSTRAINT ck_notifications_link CHECK (length(link) <= 2000),
	CONSTRAINT ck_notifications_dedupe_key CHECK (length(dedupe_key) <= 200),
	CONSTRAINT fk_notifications_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_notifications_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_notifications_created_at ON notifications (organization_id, created_at, id);

CREATE INDEX ix_notifications_read_at ON notifications (read_at) WHERE read_at IS NOT NULL;

CREATE INDEX ix_notifications_updated_at ON notifications (organization_id, updated_at, id);

CREATE INDEX ix_notifications_user_id ON notifications (organization_id, user_id, id) WHERE read_at IS NULL;

CREATE INDEX ix_notifications_user_id_created_at ON notifications (organization_id, user_id, created_at, id);

CREATE UNIQUE INDEX uq_notifications_user_id_dedupe_key ON notifications (organization_id, user_id, dedupe_key) WHERE dedupe_key IS NOT NULL;

CREATE TABLE product_velocity (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	sku TEXT NOT NULL,
	variant_id TEXT,
	product_title TEXT,
	recorded_for TEXT NOT NULL,
	window_days INTEGER NOT NULL,
	average_daily_sales REAL NOT NULL,
	current_inventory INTEGER NOT NULL,
	sell_through_bp INTEGER,
	days_of_supply REAL,
	projected_stockout_date TEXT,
	recommended_reorder_qty INTEGER,
	computed_from TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_product_velocity PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_product_velocity_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_product_velocity_sku CHECK (length(sku) <= 100 AND length(sku) >= 1),
	CONSTRAINT ck_product_velocity_variant_id CHECK (length(variant_id) <= 100),
	CONSTRAINT ck_product_velocity_product_title CHECK (length(product_title) <= 300),
	CONSTRAINT ck_product_velocity_window_days CHECK (window_days >= 1 AND window_days <= 3650),
	CONSTRAINT ck_product_velocity_average_daily_sales CHECK (average_daily_sales >= 0 AND average_daily_sales <= 1000000000.0),
	CONSTRAINT ck_product_velocity_current_inventory CHECK (current_inventory >= -1000000000 AND current_inventory <= 1000000000),
	CONSTRAINT ck_product_velocity_sell_through_bp CHECK (sell_through_bp >= 0 AND sell_through_bp <= 10000),
	CONSTRAINT ck_product_velocity_days_of_supply CHECK (days_of_supply >= 0 AND days_of_supply <= 1.7976931348623157e+308),
	CONSTRAINT ck_product_velocity_recommended_reorder_qty CHECK (recommended_reorder_qty >= 0),
	CONSTRAINT ck_product_velocity_computed_from CHECK (json_valid(computed_from)),
	CONSTRAINT fk_product_velocity_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_product_velocity_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_product_velocity_created_at ON product_velocity (organization_id, created_at, id);

CREATE INDEX ix_product_velocity_projected_stockout_date ON product_velocity (organization_id, projected_stockout_date, id);

CREATE INDEX ix_product_velocity_sku ON product_velocity (organization_id, sku, id);

CREATE INDEX ix_product_velocity_store_id_projected_stockout_date ON product_velocity (organization_id, store_id, projected_stockout_date);

CREATE INDEX ix_product_velocity_store_id_recorded_for ON product_velocity (organization_id, store_id, recorded_for);

CREATE INDEX ix_product_velocity_updated_at ON product_velocity (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_product_velocity_store_id_sku_recorded_for_window_days ON product_velocity (organization_id, store_id, sku, recorded_for, window_days);

CREATE TABLE purchase_orders (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	number INTEGER NOT NULL,
	vendor_name TEXT NOT NULL,
	vendor_id TEXT,
	status TEXT NOT NULL,
	reference_code TEXT,
	subtotal_minor INTEGER NOT NULL,
	shipping_minor INTEGER NOT NULL,
	tax_minor INTEGER NOT NULL,
	discount_minor INTEGER NOT NULL,
	total_minor INTEGER NOT NULL,
	expected_at TEXT,
	submitted_at TEXT,
	approved_at TEXT,
	approved_by TEXT,
	received_at TEXT,
	closed_short_at TEXT,
	cancelled_at TEXT,
	notes TEXT,
	metadata TEXT,
	currency TEXT NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_purchase_orders PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_purchase_orders_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_purchase_orders_number CHECK (number >= 1),
	CONSTRAINT ck_purchase_orders_vendor_name CHECK (length(vendor_name) <= 200 AND length(vendor_name) >= 1),
	CONSTRAINT ck_purchase_orders_vendor_id CHECK (length(vendor_id) <= 100),
	CONSTRAINT ck_purchase_orders_status CHECK (status IN ('draft', 'submitted', 'approved', 'partially_received', 'received', 'cancelled')),
	CONSTRAINT ck_purchase_orders_reference_code CHECK (length(reference_code) <= 100),
	CONSTRAINT ck_purchase_orders_subtotal_minor CHECK (subtotal_minor >= 0),
	CONSTRAINT ck_purchase_orders_shipping_minor CHECK (shipping_minor >= 0 AND shipping_minor <= 1000000000000),
	CONSTRAINT ck_purchase_orders_tax_minor CHECK (tax_minor >= 0 AND tax_minor <= 1000000000000),
	CONSTRAINT ck_purchase_orders_discount_minor CHECK (discount_minor >= 0 AND discount_minor <= 1000000000000),
	CONSTRAINT ck_purchase_orders_total_minor CHECK (total_minor >= 0),
	CONSTRAINT ck_purchase_orders_notes CHECK (length(notes) <= 20000),
	CONSTRAINT ck_purchase_orders_metadata CHECK (json_valid(metadata)),
	CONSTRAINT ck_purchase_orders_currency CHECK (length(currency) <= 3 AND length(currency) >= 3),
	CONSTRAINT fk_purchase_orders_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_purchase_orders_version CHECK (version >= 1),
	CONSTRAINT ck_purchase_orders_totals CHECK (total_minor = subtotal_minor + shipping_minor + tax_minor - discount_minor)
)
 STRICT;

CREATE INDEX ix_purchase_orders_created_at ON purchase_orders (organization_id, created_at, id);

CREATE INDEX ix_purchase_orders_deleted_at ON purchase_orders (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_purchase_orders_deletion_id ON purchase_orders (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_purchase_orders_number ON purchase_orders (organization_id, number, id);

CREATE INDEX ix_purchase_orders_store_id_status_updated_at ON purchase_orders (organization_id, store_id, status, updated_at);

CREATE INDEX ix_purchase_orders_store_id_vendor_name ON purchase_orders (organization_id, store_id, vendor_name);

CREATE INDEX ix_purchase_orders_updated_at ON purchase_orders (organization_id, updated_at, id);

CREATE INDEX ix_purchase_orders_vendor_name ON purchase_orders (organization_id, vendor_name, id);

CREATE UNIQUE INDEX uq_purchase_orders_store_id_number ON purchase_orders (organization_id, store_id, number);

CREATE TABLE review_requests (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	resource TEXT NOT NULL,
	row_id TEXT NOT NULL,
	reviewer_user_id TEXT NOT NULL,
	due_at TEXT,
	status TEXT NOT NULL,
	decided_at TEXT,
	decided_by TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_review_requests PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_review_requests_resource CHECK (length(resource) <= 63 AND length(resource) >= 1),
	CONSTRAINT fk_review_requests_reviewer_user_id FOREIGN KEY(organization_id, reviewer_user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_review_requests_status CHECK (status IN ('requested', 'changes_requested', 'approved', 'withdrawn')),
	CONSTRAINT fk_review_requests_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_review_requests_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_review_requests_created_at ON review_requests (organization_id, created_at, id);

CREATE INDEX ix_review_requests_decided_at ON review_requests (decided_at) WHERE decided_at IS NOT NULL;

CREATE INDEX ix_review_requests_deleted_at ON review_requests (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_review_requests_deletion_id ON review_requests (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_review_requests_due_at ON review_requests (organization_id, due_at, id);

CREATE INDEX ix_review_requests_reviewer_user_id_status_due_at ON review_requests (organization_id, reviewer_user_id, status, due_at);

CREATE INDEX ix_review_requests_row_id_created_at ON review_requests (organization_id, row_id, created_at);

CREATE INDEX ix_review_requests_updated_at ON review_requests (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_review_requests_row_id_reviewer_user_id ON review_requests (organization_id, row_id, reviewer_user_id) WHERE deleted_at IS NULL AND status IN ('requested', 'changes_requested');

CREATE TABLE saved_views (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	user_id TEXT,
	resource TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	"query" TEXT NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_saved_views PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_saved_views_user_id FOREIGN KEY(organization_id, user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_saved_views_resource CHECK (length(resource) <= 63 AND length(resource) >= 1),
	CONSTRAINT ck_saved_views_name CHECK (length(name) <= 100 AND length(name) >= 1),
	CONSTRAINT ck_saved_views_query CHECK (json_valid(query)),
	CONSTRAINT fk_saved_views_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_saved_views_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_saved_views_created_at ON saved_views (organization_id, created_at, id);

CREATE INDEX ix_saved_views_deleted_at ON saved_views (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_saved_views_deletion_id ON saved_views (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_saved_views_name ON saved_views (organization_id, name, id);

CREATE INDEX ix_saved_views_updated_at ON saved_views (organization_id, updated_at, id);

CREATE INDEX ix_saved_views_user_id ON saved_views (organization_id, user_id, id) WHERE user_id IS NOT NULL;

CREATE UNIQUE INDEX uq_saved_views_resource_name_norm ON saved_views (organization_id, resource, name_norm) WHERE deleted_at IS NULL AND user_id IS NULL;

CREATE UNIQUE INDEX uq_saved_views_user_id_resource_name_norm ON saved_views (organization_id, user_id, resource, name_norm) WHERE deleted_at IS NULL AND user_id IS NOT NULL;

CREATE TABLE seo_insights (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	title TEXT NOT NULL,
	description TEXT NOT NULL,
	severity TEXT NOT NULL,
	severity_rank INTEGER NOT NULL,
	status TEXT NOT NULL,
	category TEXT,
	resource_type TEXT,
	resource_id TEXT,
	resource_url TEXT,
	detected_at TEXT NOT NULL,
	last_seen_at TEXT NOT NULL,
	due_at TEXT,
	completed_at TEXT,
	last_scan_id TEXT,
	missed_scans INTEGER NOT NULL,
	metadata TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_seo_insights PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_seo_insights_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_seo_insights_fingerprint CHECK (length(fingerprint) <= 128 AND length(fingerprint) >= 1),
	CONSTRAINT ck_seo_insights_title CHECK (length(title) <= 300 AND length(title) >= 1),
	CONSTRAINT ck_seo_insights_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_seo_insights_severity CHECK (severity IN ('info', 'low', 'medium', 'high', 'critical')),
	CONSTRAINT ck_seo_insights_severity_rank CHECK (severity_rank >= 0 AND severity_rank <= 4),
	CONSTRAINT ck_seo_insights_status CHECK (status IN ('open', 'in_progress', 'resolved', 'dismissed')),
	CONSTRAINT ck_seo_insights_category CHECK (length(category) <= 100),
	CONSTRAINT ck_seo_insights_resource_type CHECK (length(resource_type) <= 100),
	CONSTRAINT ck_seo_insights_resource_id CHECK (length(resource_id) <= 100),
	CONSTRAINT ck_seo_insights_resource_url CHECK (length(resource_url) <= 2000),
	CONSTRAINT ck_seo_insights_last_scan_id CHECK (length(last_scan_id) <= 100),
	CONSTRAINT ck_seo_insights_missed_scans CHECK (missed_scans >= 0),
	CONSTRAINT ck_seo_insights_metadata CHECK (json_valid(metadata)),
	CONSTRAINT fk_seo_insights_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_seo_insights_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_seo_insights_created_at ON seo_insights (organization_id, created_at, id);

CREATE INDEX ix_seo_insights_severity_rank ON seo_insights (organization_id, severity_rank, id);

CREATE INDEX ix_seo_insights_store_id_detected_at ON seo_insights (organization_id, store_id, detected_at);

CREATE INDEX ix_seo_insights_store_id_status_severity_rank ON seo_insights (organization_id, store_id, status, severity_rank);

CREATE INDEX ix_seo_insights_updated_at ON seo_insights (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_seo_insights_store_id_fingerprint ON seo_insights (organization_id, store_id, fingerprint);

CREATE TABLE social_accounts (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	platform TEXT NOT NULL,
	provider_account_id TEXT NOT NULL,
	handle TEXT NOT NULL,
	display_name TEXT,
	profile_url TEXT,
	instance_url TEXT,
	access_token_cipher BLOB,
	refresh_token_cipher BLOB,
	token_type TEXT,
	scope TEXT,
	token_expires_at TEXT,
	status TEXT NOT NULL,
	followers_count INTEGER,
	following_count INTEGER,
	posts_count INTEGER,
	last_sync_at TEXT,
	last_error TEXT,
	posting_times TEXT,
	founder_id TEXT,
	app_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_social_accounts PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_social_accounts_platform CHECK (platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')),
	CONSTRAINT ck_social_accounts_provider_account_id CHECK (length(provider_account_id) <= 300 AND length(provider_account_id) >= 1),
	CONSTRAINT ck_social_accounts_handle CHECK (length(handle) <= 300 AND length(handle) >= 1),
	CONSTRAINT ck_social_accounts_display_name CHECK (length(display_name) <= 300),
	CONSTRAINT ck_social_accounts_profile_url CHECK (length(profile_url) <= 2000),
	CONSTRAINT ck_social_accounts_instance_url CHECK (length(instance_url) <= 2000),
	CONSTRAINT ck_social_accounts_token_type CHECK (length(token_type) <= 40),
	CONSTRAINT ck_social_accounts_scope CHECK (length(scope) <= 2000),
	CONSTRAINT ck_social_accounts_status CHECK (status IN ('connecting', 'active', 'refresh_needed', 'revoked', 'disabled')),
	CONSTRAINT ck_social_accounts_followers_count CHECK (followers_count >= 0),
	CONSTRAINT ck_social_accounts_following_count CHECK (following_count >= 0),
	CONSTRAINT ck_social_accounts_posts_count CHECK (posts_count >= 0),
	CONSTRAINT ck_social_accounts_last_error CHECK (json_valid(last_error)),
	CONSTRAINT ck_social_accounts_posting_times CHECK (json_valid(posting_times)),
	CONSTRAINT fk_social_accounts_founder_id FOREIGN KEY(organization_id, founder_id) REFERENCES founders (organization_id, id),
	CONSTRAINT fk_social_accounts_app_id FOREIGN KEY(organization_id, app_id) REFERENCES platform_apps (organization_id, id),
	CONSTRAINT fk_social_accounts_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_social_accounts_version CHECK (version >= 1),
	CONSTRAINT ck_social_accounts_one_platform CHECK (platform <> 'general')
)
 STRICT;

CREATE INDEX ix_social_accounts_app_id ON social_accounts (organization_id, app_id, id) WHERE app_id IS NOT NULL;

CREATE INDEX ix_social_accounts_created_at ON social_accounts (organization_id, created_at, id);

CREATE INDEX ix_social_accounts_deleted_at ON social_accounts (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_social_accounts_deletion_id ON social_accounts (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_social_accounts_founder_id ON social_accounts (organization_id, founder_id, id) WHERE founder_id IS NOT NULL;

CREATE INDEX ix_social_accounts_handle ON social_accounts (organization_id, handle);

CREATE INDEX ix_social_accounts_status_token_expires_at ON social_accounts (status, token_expires_at);

CREATE INDEX ix_social_accounts_updated_at ON social_accounts (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_social_accounts_platform_provider_account_id ON social_accounts (organization_id, platform, provider_account_id) WHERE deleted_at IS NULL;

CREATE TABLE store_counters (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	name TEXT NOT NULL,
	last_number INTEGER NOT NULL,
	CONSTRAINT pk_store_counters PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_store_counters_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_store_counters_name CHECK (length(name) <= 40),
	CONSTRAINT ck_store_counters_last_number CHECK (last_number >= 0)
)
 STRICT;

CREATE UNIQUE INDEX uq_store_counters_store_id_name ON store_counters (organization_id, store_id, name);

CREATE TABLE store_secrets (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	provider TEXT NOT NULL,
	label TEXT NOT NULL,
	secret_cipher BLOB,
	encryption_version INTEGER NOT NULL,
	key_id TEXT NOT NULL,
	rotated_at TEXT,
	rotate_after TEXT,
	expires_at TEXT,
	revoked_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_store_secrets PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_store_secrets_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_store_secrets_provider CHECK (length(provider) <= 40 AND length(provider) >= 1),
	CONSTRAINT ck_store_secrets_label CHECK (length(label) <= 80 AND length(label) >= 1),
	CONSTRAINT ck_store_secrets_encryption_version CHECK (encryption_version >= 1),
	CONSTRAINT ck_store_secrets_key_id CHECK (length(key_id) <= 32),
	CONSTRAINT fk_store_secrets_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_store_secrets_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_store_secrets_created_at ON store_secrets (organization_id, created_at, id);

CREATE INDEX ix_store_secrets_key_id ON store_secrets (key_id) WHERE revoked_at IS NULL;

CREATE INDEX ix_store_secrets_store_id ON store_secrets (organization_id, store_id, id);

CREATE INDEX ix_store_secrets_updated_at ON store_secrets (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_store_secrets_store_id_provider_label ON store_secrets (organization_id, store_id, provider, label) WHERE revoked_at IS NULL;

CREATE TABLE store_settings (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	thresholds TEXT NOT NULL,
	feature_flags TEXT NOT NULL,
	connection_metadata TEXT NOT NULL,
	support_email TEXT,
	notification_emails TEXT NOT NULL,
	blocked_customers TEXT NOT NULL,
	last_rotation_at TEXT,
	last_inventory_sync_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_store_settings PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_store_settings_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_store_settings_thresholds CHECK (json_valid(thresholds)),
	CONSTRAINT ck_store_settings_feature_flags CHECK (json_valid(feature_flags)),
	CONSTRAINT ck_store_settings_connection_metadata CHECK (json_valid(connection_metadata)),
	CONSTRAINT ck_store_settings_support_email CHECK (length(support_email) <= 320 AND length(support_email) >= 3),
	CONSTRAINT ck_store_settings_notification_emails CHECK (json_valid(notification_emails)),
	CONSTRAINT ck_store_settings_blocked_customers CHECK (json_valid(blocked_customers)),
	CONSTRAINT fk_store_settings_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_store_settings_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_store_settings_created_at ON store_settings (organization_id, created_at, id);

CREATE INDEX ix_store_settings_updated_at ON store_settings (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_store_settings_store_id ON store_settings (organization_id, store_id);

CREATE TABLE subscriptions (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	plan_id TEXT NOT NULL,
	payer_user_id TEXT,
	status TEXT NOT NULL,
	provider TEXT NOT NULL,
	provider_customer_id TEXT,
	provider_subscription_id TEXT,
	current_period_start TEXT NOT NULL,
	current_period_end TEXT NOT NULL,
	trial_start TEXT,
	trial_end TEXT,
	cancel_at_period_end INTEGER NOT NULL,
	canceled_at TEXT,
	provider_event_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_subscriptions PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_subscriptions_plan_id FOREIGN KEY(plan_id) REFERENCES plans (id),
	CONSTRAINT fk_subscriptions_payer_user_id FOREIGN KEY(organization_id, payer_user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_subscriptions_status CHECK (status IN ('incomplete', 'trialing', 'active', 'past_due', 'unpaid', 'canceled', 'expired')),
	CONSTRAINT ck_subscriptions_provider CHECK (provider IN ('stripe', 'none')),
	CONSTRAINT ck_subscriptions_provider_customer_id CHECK (length(provider_customer_id) <= 255),
	CONSTRAINT ck_subscriptions_provider_subscription_id CHECK (length(provider_subscription_id) <= 255),
	CONSTRAINT ck_subscriptions_cancel_at_period_end CHECK (cancel_at_period_end IN (0, 1)),
	CONSTRAINT fk_subscriptions_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_subscriptions_version CHECK (version >= 1),
	CONSTRAINT ck_subscriptions_period CHECK (current_period_end > current_period_start)
)
 STRICT;

CREATE INDEX ix_subscriptions_created_at ON subscriptions (organization_id, created_at, id);

CREATE INDEX ix_subscriptions_payer_user_id ON subscriptions (organization_id, payer_user_id, id) WHERE payer_user_id IS NOT NULL;

CREATE INDEX ix_subscriptions_plan_id ON subscriptions (organization_id, plan_id, id);

CREATE INDEX ix_subscriptions_plan_id_status ON subscriptions (plan_id, status);

CREATE INDEX ix_subscriptions_provider_customer_id ON subscriptions (provider_customer_id) WHERE provider_customer_id IS NOT NULL;

CREATE INDEX ix_subscriptions_status_current_period_end ON subscriptions (status, current_period_end);

CREATE INDEX ix_subscriptions_updated_at ON subscriptions (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_subscriptions_organization_id ON subscriptions (organization_id) WHERE status NOT IN ('canceled', 'expired');

CREATE UNIQUE INDEX uq_subscriptions_provider_subscription_id ON subscriptions (provider_subscription_id);

CREATE TABLE tickets (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	number INTEGER NOT NULL,
	subject TEXT NOT NULL,
	status TEXT NOT NULL,
	priority TEXT NOT NULL,
	source TEXT NOT NULL,
	assignee_user_id TEXT,
	customer_email TEXT,
	customer_email_norm TEXT,
	customer_name TEXT,
	shopify_customer_id TEXT,
	shopify_order_id TEXT,
	thread_key TEXT,
	tags TEXT NOT NULL,
	waiting_since TEXT,
	first_response_at TEXT,
	last_message_at TEXT,
	last_customer_message_at TEXT,
	snoozed_until TEXT,
	resolved_at TEXT,
	closed_at TEXT,
	reopen_count INTEGER NOT NULL,
	follows_ticket_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_tickets PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_tickets_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_tickets_number CHECK (number >= 1),
	CONSTRAINT ck_tickets_subject CHECK (length(subject) <= 300 AND length(subject) >= 1),
	CONSTRAINT ck_tickets_status CHECK (status IN ('open', 'pending', 'snoozed', 'resolved', 'closed', 'archived')),
	CONSTRAINT ck_tickets_priority CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
	CONSTRAINT ck_tickets_source CHECK (source IN ('inbox', 'email', 'chat', 'form', 'api')),
	CONSTRAINT fk_tickets_assignee_user_id FOREIGN KEY(organization_id, assignee_user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_tickets_customer_email CHECK (length(customer_email) <= 320 AND length(customer_email) >= 3),
	CONSTRAINT ck_tickets_customer_name CHECK (length(customer_name) <= 200),
	CONSTRAINT ck_tickets_shopify_customer_id CHECK (length(shopify_customer_id) <= 100),
	CONSTRAINT ck_tickets_shopify_order_id CHECK (length(shopify_order_id) <= 100),
	CONSTRAINT ck_tickets_thread_key CHECK (length(thread_key) <= 300),
	CONSTRAINT ck_tickets_tags CHECK (json_valid(tags)),
	CONSTRAINT ck_tickets_reopen_count CHECK (reopen_count >= 0),
	CONSTRAINT fk_tickets_follows_ticket_id FOREIGN KEY(organization_id, follows_ticket_id) REFERENCES tickets (organization_id, id),
	CONSTRAINT fk_tickets_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_tickets_version CHECK (version >= 1),
	CONSTRAINT ck_tickets_resolved_at CHECK (status <> 'resolved' OR resolved_at IS NOT NULL),
	CONSTRAINT ck_tickets_snoozed_until CHECK (status <> 'snoozed' OR snoozed_until IS NOT NULL)
)
 STRICT;

CREATE INDEX ix_tickets_assignee_user_id ON tickets (organization_id, assignee_user_id, id) WHERE assignee_user_id IS NOT NULL;

CREATE INDEX ix_tickets_created_at ON tickets (organization_id, created_at, id);

CREATE INDEX ix_tickets_deleted_at ON tickets (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_tickets_deletion_id ON tickets (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_tickets_follows_ticket_id ON tickets (organization_id, follows_ticket_id, id) WHERE follows_ticket_id IS NOT NULL;

CREATE INDEX ix_tickets_last_message_at ON tickets (organization_id, last_message_at, id);

CREATE INDEX ix_tickets_number ON tickets (organization_id, number, id);

CREATE INDEX ix_tickets_status_snoozed_until ON tickets (status, snoozed_until) WHERE status = 'snoozed';

CREATE INDEX ix_tickets_store_id_assignee_user_id_status ON tickets (organization_id, store_id, assignee_user_id, status);

CREATE INDEX ix_tickets_store_id_customer_email_norm ON tickets (organization_id, store_id, customer_email_norm);

CREATE INDEX ix_tickets_store_id_shopify_customer_id ON tickets (organization_id, store_id, shopify_customer_id);

CREATE INDEX ix_tickets_store_id_shopify_order_id ON tickets (organization_id, store_id, shopify_order_id);

CREATE INDEX ix_tickets_store_id_status_last_message_at ON tickets (organization_id, store_id, status, last_message_at);

CREATE INDEX ix_tickets_updated_at ON tickets (organization_id, updated_at, id);

CREATE INDEX ix_tickets_waiting_since ON tickets (organization_id, waiting_since, id);

CREATE UNIQUE INDEX uq_tickets_store_id_number ON tickets (organization_id, store_id, number);

CREATE UNIQUE INDEX uq_tickets_store_id_thread_key ON tickets (organization_id, store_id, thread_key) WHERE deleted_at IS NULL AND status NOT IN ('closed', 'archived');

CREATE TABLE token_revocations (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	platform TEXT NOT NULL,
	provider_account_id TEXT NOT NULL,
	handle TEXT NOT NULL,
	instance_url TEXT,
	app_id TEXT,
	access_token_cipher BLOB NOT NULL,
	refresh_token_cipher BLOB,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_token_revocations PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_token_revocations_platform CHECK (length(platform) <= 63),
	CONSTRAINT ck_token_revocations_provider_account_id CHECK (length(provider_account_id) <= 300),
	CONSTRAINT ck_token_revocations_handle CHECK (length(handle) <= 300),
	CONSTRAINT ck_token_revocations_instance_url CHECK (length(instance_url) <= 2000),
	CONSTRAINT fk_token_revocations_app_id FOREIGN KEY(organization_id, app_id) REFERENCES platform_apps (organization_id, id),
	CONSTRAINT fk_token_revocations_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_token_revocations_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_token_revocations_app_id ON token_revocations (organization_id, app_id, id) WHERE app_id IS NOT NULL;

CREATE INDEX ix_token_revocations_created_at ON token_revocations (organization_id, created_at, id);

CREATE INDEX ix_token_revocations_updated_at ON token_revocations (organization_id, updated_at, id);

CREATE TABLE usage_events (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	counter_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	quantity INTEGER NOT NULL,
	subject_id TEXT,
	reservation_id TEXT,
	actor_id TEXT,
	occurred_at TEXT NOT NULL,
	CONSTRAINT pk_usage_events PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_usage_events_counter_id FOREIGN KEY(organization_id, counter_id) REFERENCES usage_counters (organization_id, id),
	CONSTRAINT ck_usage_events_kind CHECK (kind IN ('opened', 'consumed', 'given_back', 'committed', 'repaired', 'rolled_up'))
)
 STRICT;

CREATE INDEX ix_usage_events_counter_id_occurred_at ON usage_events (organization_id, counter_id, occurred_at);

CREATE INDEX ix_usage_events_subject_id ON usage_events (subject_id) WHERE subject_id IS NOT NULL;

CREATE TABLE usage_reservations (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	counter_id TEXT NOT NULL,
	quantity INTEGER NOT NULL,
	idempotency_key TEXT NOT NULL,
	status TEXT NOT NULL,
	expires_at TEXT NOT NULL,
	job_id TEXT,
	created_at TEXT NOT NULL,
	settled_at TEXT,
	CONSTRAINT pk_usage_reservations PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_usage_reservations_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT fk_usage_reservations_counter_id FOREIGN KEY(organization_id, counter_id) REFERENCES usage_counters (organization_id, id),
	CONSTRAINT ck_usage_reservations_quantity CHECK (quantity >= 1),
	CONSTRAINT ck_usage_reservations_idempotency_key CHECK (length(idempotency_key) <= 255 AND length(idempotency_key) >= 1),
	CONSTRAINT ck_usage_reservations_status CHECK (status IN ('held', 'committed', 'released', 'expired'))
)
 STRICT;

CREATE INDEX ix_usage_reservations_counter_id ON usage_reservations (organization_id, counter_id, id);

CREATE INDEX ix_usage_reservations_status_expires_at ON usage_reservations (status, expires_at);

CREATE UNIQUE INDEX uq_usage_reservations_idempotency_key ON usage_reservations (organization_id, idempotency_key);

CREATE TABLE webhook_deliveries (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	endpoint_id TEXT NOT NULL,
	event TEXT NOT NULL,
	change_tx INTEGER,
	change_seq INTEGER,
	payload TEXT NOT NULL,
	status TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	next_attempt_at TEXT,
	last_attempt_at TEXT,
	last_status INTEGER,
	last_error TEXT,
	response_ms INTEGER,
	delivered_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_webhook_deliveries PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_webhook_deliveries_endpoint_id FOREIGN KEY(organization_id, endpoint_id) REFERENCES webhook_endpoints (organization_id, id),
	CONSTRAINT ck_webhook_deliveries_event CHECK (length(event) <= 110),
	CONSTRAINT ck_webhook_deliveries_payload CHECK (json_valid(payload)),
	CONSTRAINT ck_webhook_deliveries_status CHECK (status IN ('queued', 'delivered', 'failed', 'dead')),
	CONSTRAINT ck_webhook_deliveries_attempts CHECK (attempts >= 0),
	CONSTRAINT ck_webhook_deliveries_last_error CHECK (length(last_error) <= 500),
	CONSTRAINT ck_webhook_deliveries_response_ms CHECK (response_ms >= 0),
	CONSTRAINT fk_webhook_deliveries_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_webhook_deliveries_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_webhook_deliveries_created_at ON webhook_deliveries (organization_id, created_at, id);

CREATE INDEX ix_webhook_deliveries_endpoint_id_created_at ON webhook_deliveries (organization_id, endpoint_id, created_at, id);

CREATE INDEX ix_webhook_deliveries_next_attempt_at ON webhook_deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE INDEX ix_webhook_deliveries_updated_at ON webhook_deliveries (organization_id, updated_at, id);

CREATE TABLE webhook_events (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	provider TEXT NOT NULL,
	webhook_id TEXT NOT NULL,
	store_id TEXT,
	topic TEXT NOT NULL,
	shop_domain TEXT NOT NULL,
	status TEXT NOT NULL,
	payload TEXT,
	payload_hash TEXT NOT NULL,
	triggered_at TEXT,
	resource_id TEXT,
	resource_version TEXT,
	error TEXT,
	attempts INTEGER NOT NULL,
	received_at TEXT NOT NULL,
	processed_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_webhook_events PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_webhook_events_provider CHECK (length(provider) <= 40),
	CONSTRAINT ck_webhook_events_webhook_id CHECK (length(webhook_id) <= 200),
	CONSTRAINT fk_webhook_events_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_webhook_events_topic CHECK (length(topic) <= 100),
	CONSTRAINT ck_webhook_events_shop_domain CHECK (length(shop_domain) <= 253),
	CONSTRAINT ck_webhook_events_status CHECK (status IN ('pending', 'processing', 'succeeded', 'failed', 'skipped')),
	CONSTRAINT ck_webhook_events_payload CHECK (json_valid(payload)),
	CONSTRAINT ck_webhook_events_payload_hash CHECK (length(payload_hash) <= 64),
	CONSTRAINT ck_webhook_events_resource_id CHECK (length(resource_id) <= 100),
	CONSTRAINT ck_webhook_events_resource_version CHECK (length(resource_version) <= 100),
	CONSTRAINT ck_webhook_events_error CHECK (length(error) <= 1000),
	CONSTRAINT ck_webhook_events_attempts CHECK (attempts >= 0),
	CONSTRAINT fk_webhook_events_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_webhook_events_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_webhook_events_created_at ON webhook_events (organization_id, created_at, id);

CREATE INDEX ix_webhook_events_received_at ON webhook_events (organization_id, received_at, id);

CREATE INDEX ix_webhook_events_received_at_provider ON webhook_events (received_at, provider) WHERE payload IS NOT NULL;

CREATE INDEX ix_webhook_events_store_id_resource_id_resource_version ON webhook_events (organization_id, store_id, resource_id, resource_version) WHERE resource_id IS NOT NULL;

CREATE INDEX ix_webhook_events_store_id_status_received_at ON webhook_events (organization_id, store_id, status, received_at);

CREATE INDEX ix_webhook_events_topic_received_at ON webhook_events (organization_id, topic, received_at);

CREATE INDEX ix_webhook_events_updated_at ON webhook_events (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_webhook_events_provider_webhook_id ON webhook_events (organization_id, provider, webhook_id);

CREATE TABLE account_metric_daily (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	social_account_id TEXT NOT NULL,
	day TEXT NOT NULL,
	collected_at TEXT NOT NULL,
	followers INTEGER,
	following INTEGER,
	posts INTEGER,
	CONSTRAINT pk_account_metric_daily PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_account_metric_daily_social_account_id FOREIGN KEY(organization_id, social_account_id) REFERENCES social_accounts (organization_id, id),
	CONSTRAINT ck_account_metric_daily_followers CHECK (followers >= 0),
	CONSTRAINT ck_account_metric_daily_following CHECK (following >= 0),
	CONSTRAINT ck_account_metric_daily_posts CHECK (posts >= 0)
)
 STRICT;

CREATE INDEX ix_account_metric_daily_day ON account_metric_daily (organization_id, day, id);

CREATE UNIQUE INDEX uq_account_metric_daily_social_account_id_day ON account_metric_daily (organization_id, social_account_id, day);

CREATE TABLE brand_rules (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	brand_id TEXT,
	tone TEXT,
	voice TEXT,
	allowed_phrases TEXT NOT NULL,
	forbidden_phrases TEXT NOT NULL,
	allowed_hashtags TEXT NOT NULL,
	forbidden_hashtags TEXT NOT NULL,
	claims_to_avoid TEXT NOT NULL,
	compliance_notes TEXT,
	legal_disclaimer TEXT,
	approval_mode TEXT NOT NULL,
	auto_approval_rules TEXT,
	rules_version INTEGER NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_brand_rules PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_brand_rules_brand_id FOREIGN KEY(organization_id, brand_id) REFERENCES brands (organization_id, id),
	CONSTRAINT ck_brand_rules_tone CHECK (length(tone) <= 2000),
	CONSTRAINT ck_brand_rules_voice CHECK (length(voice) <= 2000),
	CONSTRAINT ck_brand_rules_allowed_phrases CHECK (json_valid(allowed_phrases)),
	CONSTRAINT ck_brand_rules_forbidden_phrases CHECK (json_valid(forbidden_phrases)),
	CONSTRAINT ck_brand_rules_allowed_hashtags CHECK (json_valid(allowed_hashtags)),
	CONSTRAINT ck_brand_rules_forbidden_hashtags CHECK (json_valid(forbidden_hashtags)),
	CONSTRAINT ck_brand_rules_claims_to_avoid CHECK (json_valid(claims_to_avoid)),
	CONSTRAINT ck_brand_rules_compliance_notes CHECK (length(compliance_notes) <= 20000),
	CONSTRAINT ck_brand_rules_legal_disclaimer CHECK (length(legal_disclaimer) <= 20000),
	CONSTRAINT ck_brand_rules_approval_mode CHECK (approval_mode IN ('auto', 'manual', 'conditional')),
	CONSTRAINT ck_brand_rules_auto_approval_rules CHECK (json_valid(auto_approval_rules)),
	CONSTRAINT ck_brand_rules_rules_version CHECK (rules_version >= 1),
	CONSTRAINT fk_brand_rules_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_brand_rules_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_brand_rules_brand_id ON brand_rules (organization_id, brand_id, id) WHERE brand_id IS NOT NULL;

CREATE INDEX ix_brand_rules_created_at ON brand_rules (organization_id, created_at, id);

CREATE INDEX ix_brand_rules_updated_at ON brand_rules (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_brand_rules_brand_id ON brand_rules (organization_id, coalesce(brand_id, '00000000-0000-0000-0000-000000000000'));

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

CREATE TABLE order_flags (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	shopify_order_id TEXT NOT NULL,
	flag_type TEXT NOT NULL,
	status TEXT NOT NULL,
	severity TEXT NOT NULL,
	notes TEXT,
	resolution_notes TEXT,
	resolved_by TEXT,
	resolved_at TEXT,
	snoozed_until TEXT,
	reopen_count INTEGER NOT NULL,
	metadata TEXT,
	webhook_event_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_order_flags PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_order_flags_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_order_flags_shopify_order_id CHECK (length(shopify_order_id) <= 100 AND length(shopify_order_id) >= 1),
	CONSTRAINT ck_order_flags_flag_type CHECK (length(flag_type) <= 60 AND length(flag_type) >= 1),
	CONSTRAINT ck_order_flags_status CHECK (status IN ('open', 'snoozed', 'resolved', 'dismissed')),
	CONSTRAINT ck_order_flags_severity CHECK (severity IN ('low', 'normal', 'high', 'urgent')),
	CONSTRAINT ck_order_flags_notes CHECK (length(notes) <= 20000),
	CONSTRAINT ck_order_flags_resolution_notes CHECK (length(resolution_notes) <= 20000),
	CONSTRAINT ck_order_flags_reopen_count CHECK (reopen_count >= 0),
	CONSTRAINT ck_order_flags_metadata CHECK (json_valid(metadata)),
	CONSTRAINT fk_order_flags_webhook_event_id FOREIGN KEY(organization_id, webhook_event_id) REFERENCES webhook_events (organization_id, id),
	CONSTRAINT fk_order_flags_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_order_flags_version CHECK (version >= 1),
	CONSTRAINT ck_order_flags_resolved_at CHECK ((status = 'resolved') = (resolved_at IS NOT NULL)),
	CONSTRAINT ck_order_flags_snoozed_until CHECK (status <> 'snoozed' OR snoozed_until IS NOT NULL)
)
 STRICT;

CREATE INDEX ix_order_flags_created_at ON order_flags (organization_id, created_at, id);

CREATE INDEX ix_order_flags_status_snoozed_until ON order_flags (status, snoozed_until) WHERE status = 'snoozed';

CREATE INDEX ix_order_flags_store_id_status_created_at ON order_flags (organization_id, store_id, status, created_at);

CREATE INDEX ix_order_flags_updated_at ON order_flags (organization_id, updated_at, id);

CREATE INDEX ix_order_flags_webhook_event_id ON order_flags (organization_id, webhook_event_id, id) WHERE webhook_event_id IS NOT NULL;

CREATE UNIQUE INDEX uq_order_flags_store_id_shopify_order_id_flag_type ON order_flags (organization_id, store_id, shopify_order_id, flag_type);

CREATE TABLE prospects (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	email TEXT,
	email_norm TEXT,
	first_name TEXT,
	last_name TEXT,
	job_title TEXT,
	phone TEXT,
	linkedin_url TEXT,
	website_url TEXT,
	notes TEXT,
	company_name TEXT NOT NULL,
	company_domain TEXT,
	company_industry TEXT,
	company_size TEXT,
	company_revenue TEXT,
	company_location TEXT,
	company_description TEXT,
	icp_id TEXT,
	owner_user_id TEXT,
	score INTEGER NOT NULL,
	score_explanation TEXT,
	scored_at TEXT,
	stage TEXT NOT NULL,
	source TEXT NOT NULL,
	last_contacted_at TEXT,
	next_follow_up_at TEXT,
	opted_out_at TEXT,
	opt_out_reason TEXT,
	email_status TEXT NOT NULL,
	consent TEXT,
	custom_fields TEXT NOT NULL,
	merged_into_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_prospects PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_prospects_email CHECK (length(email) <= 320 AND length(email) >= 3),
	CONSTRAINT ck_prospects_first_name CHECK (length(first_name) <= 200),
	CONSTRAINT ck_prospects_last_name CHECK (length(last_name) <= 200),
	CONSTRAINT ck_prospects_job_title CHECK (length(job_title) <= 300),
	CONSTRAINT ck_prospects_phone CHECK (length(phone) <= 60),
	CONSTRAINT ck_prospects_linkedin_url CHECK (length(linkedin_url) <= 2000),
	CONSTRAINT ck_prospects_website_url CHECK (length(website_url) <= 2000),
	CONSTRAINT ck_prospects_notes CHECK (length(notes) <= 20000),
	CONSTRAINT ck_prospects_company_name CHECK (length(company_name) <= 300 AND length(company_name) >= 1),
	CONSTRAINT ck_prospects_company_domain CHECK (length(company_domain) <= 253),
	CONSTRAINT ck_prospects_company_industry CHECK (length(company_industry) <= 200),
	CONSTRAINT ck_prospects_company_size CHECK (company_size IN ('startup', 'small', 'medium', 'large', 'enterprise')),
	CONSTRAINT ck_prospects_company_revenue CHECK (company_revenue IN ('under_1m', 'one_to_ten_m', 'ten_to_fifty_m', 'fifty_to_hundred_m', 'over_100m')),
	CONSTRAINT ck_prospects_company_location CHECK (length(company_location) <= 300),
	CONSTRAINT ck_prospects_company_description CHECK (length(company_description) <= 20000),
	CONSTRAINT fk_prospects_icp_id FOREIGN KEY(organization_id, icp_id) REFERENCES icps (organization_id, id),
	CONSTRAINT fk_prospects_owner_user_id FOREIGN KEY(organization_id, owner_user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_prospects_score CHECK (score >= 0 AND score <= 100),
	CONSTRAINT ck_prospects_score_explanation CHECK (json_valid(score_explanation)),
	CONSTRAINT ck_prospects_stage CHECK (stage IN ('new', 'contacted', 'meeting', 'negotiation', 'won', 'lost')),
	CONSTRAINT ck_prospects_source CHECK (source IN ('csv_import', 'url_scraping', 'manual', 'api', 'integration')),
	CONSTRAINT ck_prospects_opt_out_reason CHECK (opt_out_reason IN ('unsubscribe', 'reply', 'complaint', 'manual', 'legal')),
	CONSTRAINT ck_prospects_email_status CHECK (email_status IN ('unknown', 'valid', 'risky', 'invalid', 'bounced')),
	CONSTRAINT ck_prospects_consent CHECK (json_valid(consent)),
	CONSTRAINT ck_prospects_custom_fields CHECK (json_valid(custom_fields)),
	CONSTRAINT fk_prospects_merged_into_id FOREIGN KEY(organization_id, merged_into_id) REFERENCES prospects (organization_id, id),
	CONSTRAINT fk_prospects_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_prospects_version CHECK (version >= 1),
	CONSTRAINT ck_prospects_opted_out CHECK ((opted_out_at IS NULL) = (opt_out_reason IS NULL))
)
 STRICT;

CREATE INDEX ix_prospects_company_domain ON prospects (organization_id, company_domain);

CREATE INDEX ix_prospects_company_name ON prospects (organization_id, company_name, id);

CREATE INDEX ix_prospects_created_at ON prospects (organization_id, created_at, id);

CREATE INDEX ix_prospects_deleted_at ON prospects (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_prospects_deletion_id ON prospects (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_prospects_icp_id_stage ON prospects (organization_id, icp_id, stage);

CREATE INDEX ix_prospects_merged_into_id ON prospects (organization_id, merged_into_id, id) WHERE merged_into_id IS NOT NULL;

CREATE INDEX ix_prospects_next_follow_up_at ON prospects (organization_id, next_follow_up_at, id);

CREATE INDEX ix_prospects_owner_user_id_next_follow_up_at ON prospects (organization_id, owner_user_id, next_follow_up_at);

CREATE INDEX ix_prospects_score ON prospects (organization_id, score, id);

CREATE INDEX ix_prospects_stage_score ON prospects (organization_id, stage, score, id);

CREATE INDEX ix_prospects_updated_at ON prospects (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_prospects_email_norm ON prospects (organization_id, email_norm) WHERE deleted_at IS NULL;

CREATE TABLE purchase_order_lines (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	purchase_order_id TEXT NOT NULL,
	position INTEGER NOT NULL,
	sku TEXT NOT NULL,
	product_title TEXT,
	variant_id TEXT,
	quantity INTEGER NOT NULL,
	unit_cost_minor INTEGER NOT NULL,
	line_total_minor INTEGER NOT NULL,
	quantity_received INTEGER NOT NULL,
	allow_over_receipt INTEGER NOT NULL,
	velocity_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_purchase_order_lines PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_purchase_order_lines_purchase_order_id FOREIGN KEY(organization_id, purchase_order_id) REFERENCES purchase_orders (organization_id, id),
	CONSTRAINT ck_purchase_order_lines_position CHECK (position >= 1),
	CONSTRAINT ck_purchase_order_lines_sku CHECK (length(sku) <= 100 AND length(sku) >= 1),
	CONSTRAINT ck_purchase_order_lines_product_title CHECK (length(product_title) <= 300),
	CONSTRAINT ck_purchase_order_lines_variant_id CHECK (length(variant_id) <= 100),
	CONSTRAINT ck_purchase_order_lines_quantity CHECK (quantity >= 1 AND quantity <= 1000000),
	CONSTRAINT ck_purchase_order_lines_unit_cost_minor CHECK (unit_cost_minor >= 0 AND unit_cost_minor <= 1000000000),
	CONSTRAINT ck_purchase_order_lines_line_total_minor CHECK (line_total_minor >= 0),
	CONSTRAINT ck_purchase_order_lines_quantity_received CHECK (quantity_received >= 0),
	CONSTRAINT ck_purchase_order_lines_allow_over_receipt CHECK (allow_over_receipt IN (0, 1)),
	CONSTRAINT fk_purchase_order_lines_velocity_id FOREIGN KEY(organization_id, velocity_id) REFERENCES product_velocity (organization_id, id),
	CONSTRAINT fk_purchase_order_lines_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_purchase_order_lines_version CHECK (version >= 1),
	CONSTRAINT ck_purchase_order_lines_value CHECK (line_total_minor = quantity * unit_cost_minor),
	CONSTRAINT ck_purchase_order_lines_received CHECK (quantity_received <= quantity OR allow_over_receipt)
)
 STRICT;

CREATE INDEX ix_purchase_order_lines_created_at ON purchase_order_lines (organization_id, created_at, id);

CREATE INDEX ix_purchase_order_lines_updated_at ON purchase_order_lines (organization_id, updated_at, id);

CREATE INDEX ix_purchase_order_lines_velocity_id ON purchase_order_lines (organization_id, velocity_id, id) WHERE velocity_id IS NOT NULL;

CREATE UNIQUE INDEX uq_purchase_order_lines_purchase_order_id_position ON purchase_order_lines (organization_id, purchase_order_id, position);

CREATE UNIQUE INDEX uq_purchase_order_lines_purchase_order_id_sku_variant_id ON purchase_order_lines (organization_id, purchase_order_id, sku, coalesce(variant_id, ''));

CREATE TABLE sequences (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	description TEXT,
	icp_id TEXT,
	channel TEXT NOT NULL,
	is_active INTEGER NOT NULL,
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
	CONSTRAINT pk_sequences PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_sequences_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_sequences_description CHECK (length(description) <= 20000),
	CONSTRAINT fk_sequences_icp_id FOREIGN KEY(organization_id, icp_id) REFERENCES icps (organization_id, id),
	CONSTRAINT ck_sequences_channel CHECK (channel IN ('email', 'linkedin', 'sms', 'whatsapp')),
	CONSTRAINT ck_sequences_is_active CHECK (is_active IN (0, 1)),
	CONSTRAINT ck_sequences_settings CHECK (json_valid(settings)),
	CONSTRAINT fk_sequences_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_sequences_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_sequences_created_at ON sequences (organization_id, created_at, id);

CREATE INDEX ix_sequences_deleted_at ON sequences (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_sequences_deletion_id ON sequences (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_sequences_icp_id ON sequences (organization_id, icp_id, id) WHERE icp_id IS NOT NULL;

CREATE INDEX ix_sequences_name ON sequences (organization_id, name, id);

CREATE INDEX ix_sequences_updated_at ON sequences (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_sequences_name_norm ON sequences (organization_id, name_norm) WHERE deleted_at IS NULL;

CREATE TABLE ticket_messages (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	ticket_id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	author_type TEXT NOT NULL,
	author_user_id TEXT,
	author_label TEXT,
	body_rich TEXT NOT NULL,
	body_plain TEXT,
	is_internal_note INTEGER NOT NULL,
	is_draft INTEGER NOT NULL,
	delivery TEXT NOT NULL,
	external_id TEXT,
	in_reply_to TEXT,
	sent_at TEXT,
	next_attempt_at TEXT,
	attempts INTEGER NOT NULL,
	last_error TEXT,
	claim_token TEXT,
	claimed_until TEXT,
	metadata TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_ticket_messages PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_ticket_messages_ticket_id FOREIGN KEY(organization_id, ticket_id) REFERENCES tickets (organization_id, id),
	CONSTRAINT fk_ticket_messages_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT ck_ticket_messages_author_type CHECK (author_type IN ('customer', 'staff', 'automation', 'ai')),
	CONSTRAINT ck_ticket_messages_author_label CHECK (length(author_label) <= 320),
	CONSTRAINT ck_ticket_messages_body_rich CHECK (length(body_rich) <= 100000 AND length(body_rich) >= 1),
	CONSTRAINT ck_ticket_messages_body_plain CHECK (length(body_plain) <= 100000),
	CONSTRAINT ck_ticket_messages_is_internal_note CHECK (is_internal_note IN (0, 1)),
	CONSTRAINT ck_ticket_messages_is_draft CHECK (is_draft IN (0, 1)),
	CONSTRAINT ck_ticket_messages_delivery CHECK (delivery IN ('none', 'queued', 'claimed', 'dispatching', 'sent', 'delivered', 'failed', 'unconfirmed')),
	CONSTRAINT ck_ticket_messages_external_id CHECK (length(external_id) <= 300),
	CONSTRAINT ck_ticket_messages_in_reply_to CHECK (length(in_reply_to) <= 300),
	CONSTRAINT ck_ticket_messages_attempts CHECK (attempts >= 0),
	CONSTRAINT ck_ticket_messages_last_error CHECK (json_valid(last_error)),
	CONSTRAINT ck_ticket_messages_metadata CHECK (json_valid(metadata)),
	CONSTRAINT fk_ticket_messages_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_ticket_messages_version CHECK (version >= 1),
	CONSTRAINT ck_ticket_messages_draft_unsent CHECK (NOT (is_draft AND sent_at IS NOT NULL)),
	CONSTRAINT ck_ticket_messages_note_undelivered CHECK (NOT (is_internal_note AND delivery <> 'none'))
)
 STRICT;

CREATE INDEX ix_ticket_messages_claimed_until ON ticket_messages (claimed_until) WHERE claimed_until IS NOT NULL;

CREATE INDEX ix_ticket_messages_created_at ON ticket_messages (organization_id, created_at, id);

CREATE INDEX ix_ticket_messages_delivery_next_attempt_at ON ticket_messages (delivery, next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE INDEX ix_ticket_messages_store_id ON ticket_messages (organization_id, store_id, id);

CREATE INDEX ix_ticket_messages_ticket_id_created_at ON ticket_messages (organization_id, ticket_id, created_at, id);

CREATE INDEX ix_ticket_messages_updated_at ON ticket_messages (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_ticket_messages_store_id_external_id ON ticket_messages (organization_id, store_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE ticket_writers (
	organization_id TEXT NOT NULL,
	ticket_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	until TEXT NOT NULL,
	CONSTRAINT pk_ticket_writers PRIMARY KEY (organization_id, ticket_id, user_id),
	CONSTRAINT fk_ticket_writers_ticket_id FOREIGN KEY(organization_id, ticket_id) REFERENCES tickets (organization_id, id),
	CONSTRAINT fk_ticket_writers_user_id FOREIGN KEY(organization_id, user_id) REFERENCES memberships (organization_id, user_id)
)
 STRICT;

CREATE INDEX ix_ticket_writers_ticket_id_user_id ON ticket_writers (organization_id, ticket_id, user_id);

CREATE INDEX ix_ticket_writers_until ON ticket_writers (until);

CREATE INDEX ix_ticket_writers_user_id_ticket_id ON ticket_writers (organization_id, user_id, ticket_id);

CREATE TABLE token_renewals (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	social_account_id TEXT NOT NULL,
	lease_until TEXT NOT NULL,
	CONSTRAINT pk_token_renewals PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_token_renewals_social_account_id FOREIGN KEY(organization_id, social_account_id) REFERENCES social_accounts (organization_id, id)
)
 STRICT;

CREATE UNIQUE INDEX uq_token_renewals_social_account_id ON token_renewals (organization_id, social_account_id);

CREATE TABLE ai_drafts (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	store_id TEXT NOT NULL,
	ticket_id TEXT NOT NULL,
	ticket_message_id TEXT,
	content TEXT NOT NULL,
	content_hash TEXT NOT NULL,
	human_edit TEXT,
	edit_distance INTEGER,
	diff TEXT,
	status TEXT NOT NULL,
	approved_by TEXT,
	approved_at TEXT,
	approved_hash TEXT,
	sent_message_id TEXT,
	reward_score REAL,
	feedback TEXT,
	dropped_at TEXT,
	model TEXT,
	model_version TEXT,
	prompt_hash TEXT,
	input_tokens INTEGER,
	output_tokens INTEGER,
	cost_micros INTEGER,
	job_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_ai_drafts PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_ai_drafts_store_id FOREIGN KEY(organization_id, store_id) REFERENCES stores (organization_id, id),
	CONSTRAINT fk_ai_drafts_ticket_id FOREIGN KEY(organization_id, ticket_id) REFERENCES tickets (organization_id, id),
	CONSTRAINT fk_ai_drafts_ticket_message_id FOREIGN KEY(organization_id, ticket_message_id) REFERENCES ticket_messages (organization_id, id),
	CONSTRAINT ck_ai_drafts_content CHECK (length(content) <= 20000 AND length(content) >= 1),
	CONSTRAINT ck_ai_drafts_content_hash CHECK (length(content_hash) <= 64),
	CONSTRAINT ck_ai_drafts_human_edit CHECK (length(human_edit) <= 20000),
	CONSTRAINT ck_ai_drafts_edit_distance CHECK (edit_distance >= 0),
	CONSTRAINT ck_ai_drafts_diff CHECK (length(diff) <= 100000),
	CONSTRAINT ck_ai_drafts_status CHECK (status IN ('proposed', 'approved', 'edited', 'rejected', 'superseded', 'sent')),
	CONSTRAINT ck_ai_drafts_approved_hash CHECK (length(approved_hash) <= 64),
	CONSTRAINT fk_ai_drafts_sent_message_id FOREIGN KEY(organization_id, sent_message_id) REFERENCES ticket_messages (organization_id, id),
	CONSTRAINT ck_ai_drafts_reward_score CHECK (reward_score >= -1 AND reward_score <= 1),
	CONSTRAINT ck_ai_drafts_feedback CHECK (json_valid(feedback)),
	CONSTRAINT ck_ai_drafts_model CHECK (length(model) <= 100),
	CONSTRAINT ck_ai_drafts_model_version CHECK (length(model_version) <= 100),
	CONSTRAINT ck_ai_drafts_prompt_hash CHECK (length(prompt_hash) <= 64),
	CONSTRAINT ck_ai_drafts_input_tokens CHECK (input_tokens >= 0),
	CONSTRAINT ck_ai_drafts_output_tokens CHECK (output_tokens >= 0),
	CONSTRAINT ck_ai_drafts_cost_micros CHECK (cost_micros >= 0),
	CONSTRAINT fk_ai_drafts_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_ai_drafts_version CHECK (version >= 1),
	CONSTRAINT ck_ai_drafts_approved_at CHECK (status NOT IN ('approved', 'edited') OR approved_at IS NOT NULL)
)
 STRICT;

CREATE INDEX ix_ai_drafts_created_at ON ai_drafts (organization_id, created_at, id);

CREATE INDEX ix_ai_drafts_created_at_status ON ai_drafts (created_at, status) WHERE dropped_at IS NULL;

CREATE INDEX ix_ai_drafts_sent_message_id ON ai_drafts (organization_id, sent_message_id, id) WHERE sent_message_id IS NOT NULL;

CREATE INDEX ix_ai_drafts_store_id_created_at ON ai_drafts (organization_id, store_id, created_at);

CREATE INDEX ix_ai_drafts_ticket_id_status ON ai_drafts (organization_id, ticket_id, status);

CREATE INDEX ix_ai_drafts_ticket_message_id ON ai_drafts (organization_id, ticket_message_id, id) WHERE ticket_message_id IS NOT NULL;

CREATE INDEX ix_ai_drafts_updated_at ON ai_drafts (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_ai_drafts_job_id ON ai_drafts (organization_id, job_id) WHERE job_id IS NOT NULL;

CREATE UNIQUE INDEX uq_ai_drafts_ticket_id ON ai_drafts (organization_id, ticket_id) WHERE status = 'proposed';

CREATE TABLE assets (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	kind TEXT NOT NULL,
	original_filename TEXT NOT NULL,
	storage_provider TEXT NOT NULL,
	storage_bucket TEXT,
	storage_key TEXT NOT NULL,
	url TEXT,
	mime_type TEXT NOT NULL,
	size_bytes INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	width INTEGER,
	height INTEGER,
	duration_ms INTEGER,
	title TEXT,
	description TEXT,
	alt_text TEXT,
	tags TEXT NOT NULL,
	subject_id TEXT,
	campaign_id TEXT,
	brand_id TEXT,
	uploaded_by TEXT,
	upload_source TEXT NOT NULL,
	analysis_status TEXT NOT NULL,
	analysis_results TEXT,
	extracted_text TEXT,
	image_analysis TEXT,
	download_count INTEGER NOT NULL,
	last_used_at TEXT,
	erased_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_assets PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_assets_kind CHECK (kind IN ('image', 'document', 'video', 'logo', 'screenshot', 'avatar', 'banner', 'case_study', 'campaign_asset', 'other')),
	CONSTRAINT ck_assets_original_filename CHECK (length(original_filename) <= 255 AND length(original_filename) >= 1),
	CONSTRAINT ck_assets_storage_provider CHECK (storage_provider IN ('local', 's3')),
	CONSTRAINT ck_assets_storage_bucket CHECK (length(storage_bucket) <= 255),
	CONSTRAINT ck_assets_storage_key CHECK (length(storage_key) <= 1000),
	CONSTRAINT ck_assets_url CHECK (length(url) <= 2000),
	CONSTRAINT ck_assets_mime_type CHECK (length(mime_type) <= 150),
	CONSTRAINT ck_assets_size_bytes CHECK (size_bytes >= 1),
	CONSTRAINT ck_assets_sha256 CHECK (length(sha256) <= 64),
	CONSTRAINT ck_assets_width CHECK (width >= 1),
	CONSTRAINT ck_assets_height CHECK (height >= 1),
	CONSTRAINT ck_assets_duration_ms CHECK (duration_ms >= 0),
	CONSTRAINT ck_assets_title CHECK (length(title) <= 300),
	CONSTRAINT ck_assets_description CHECK (length(description) <= 20000),
	CONSTRAINT ck_assets_alt_text CHECK (length(alt_text) <= 2000),
	CONSTRAINT ck_assets_tags CHECK (json_valid(tags)),
	CONSTRAINT fk_assets_campaign_id FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
	CONSTRAINT fk_assets_brand_id FOREIGN KEY(organization_id, brand_id) REFERENCES brands (organization_id, id),
	CONSTRAINT fk_assets_uploaded_by FOREIGN KEY(organization_id, uploaded_by) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_assets_upload_source CHECK (upload_source IN ('web_upload', 'drag_drop', 'api', 'generated', 'import')),
	CONSTRAINT ck_assets_analysis_status CHECK (analysis_status IN ('pending', 'processing', 'completed', 'failed', 'skipped')),
	CONSTRAINT ck_assets_analysis_results CHECK (json_valid(analysis_results)),
	CONSTRAINT ck_assets_extracted_text CHECK (length(extracted_text) <= 1000000),
	CONSTRAINT ck_assets_image_analysis CHECK (json_valid(image_analysis)),
	CONSTRAINT ck_assets_download_count CHECK (download_count >= 0),
	CONSTRAINT fk_assets_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_assets_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_assets_analysis_status_created_at ON assets (organization_id, analysis_status, created_at) WHERE analysis_status = 'pending';

CREATE INDEX ix_assets_brand_id ON assets (organization_id, brand_id, id) WHERE brand_id IS NOT NULL;

CREATE INDEX ix_assets_campaign_id_kind ON assets (organization_id, campaign_id, kind);

CREATE INDEX ix_assets_created_at ON assets (organization_id, created_at, id);

CREATE INDEX ix_assets_deleted_at ON assets (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_assets_deletion_id ON assets (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_assets_kind_created_at ON assets (organization_id, kind, created_at, id);

CREATE INDEX ix_assets_sha256 ON assets (organization_id, sha256);

CREATE INDEX ix_assets_subject_id ON assets (organization_id, subject_id) WHERE subject_id IS NOT NULL;

CREATE INDEX ix_assets_updated_at ON assets (organization_id, updated_at, id);

CREATE INDEX ix_assets_uploaded_by ON assets (organization_id, uploaded_by, id) WHERE uploaded_by IS NOT NULL;

CREATE UNIQUE INDEX uq_assets_storage_provider_storage_bucket_storage_key ON assets (storage_provider, coalesce(storage_bucket, ''), storage_key);

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

CREATE TABLE order_flag_events (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	order_flag_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	severity TEXT,
	notes TEXT,
	resolved_by TEXT,
	resolved_at TEXT,
	snoozed_until TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_order_flag_events PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_order_flag_events_order_flag_id FOREIGN KEY(organization_id, order_flag_id) REFERENCES order_flags (organization_id, id),
	CONSTRAINT ck_order_flag_events_kind CHECK (kind IN ('opened', 'detected', 'snoozed', 'resolved', 'dismissed', 'reopened')),
	CONSTRAINT ck_order_flag_events_severity CHECK (severity IN ('low', 'normal', 'high', 'urgent')),
	CONSTRAINT ck_order_flag_events_notes CHECK (length(notes) <= 20000),
	CONSTRAINT fk_order_flag_events_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_order_flag_events_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_order_flag_events_created_at ON order_flag_events (organization_id, created_at, id);

CREATE INDEX ix_order_flag_events_order_flag_id_created_at ON order_flag_events (organization_id, order_flag_id, created_at, id);

CREATE INDEX ix_order_flag_events_updated_at ON order_flag_events (organization_id, updated_at, id);

CREATE TABLE outreach_campaigns (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	name_norm TEXT NOT NULL,
	description TEXT,
	sequence_id TEXT NOT NULL,
	campaign_id TEXT,
	status TEXT NOT NULL,
	start_at TEXT,
	started_at TEXT,
	paused_at TEXT,
	completed_at TEXT,
	sender TEXT NOT NULL,
	daily_limit INTEGER,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_outreach_campaigns PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_outreach_campaigns_name CHECK (length(name) <= 200 AND length(name) >= 1),
	CONSTRAINT ck_outreach_campaigns_description CHECK (length(description) <= 20000),
	CONSTRAINT fk_outreach_campaigns_sequence_id FOREIGN KEY(organization_id, sequence_id) REFERENCES sequences (organization_id, id),
	CONSTRAINT fk_outreach_campaigns_campaign_id FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
	CONSTRAINT ck_outreach_campaigns_status CHECK (status IN ('draft', 'scheduled', 'active', 'paused', 'completed', 'archived')),
	CONSTRAINT ck_outreach_campaigns_sender CHECK (json_valid(sender)),
	CONSTRAINT ck_outreach_campaigns_daily_limit CHECK (daily_limit >= 1),
	CONSTRAINT fk_outreach_campaigns_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_outreach_campaigns_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_outreach_campaigns_campaign_id ON outreach_campaigns (organization_id, campaign_id, id) WHERE campaign_id IS NOT NULL;

CREATE INDEX ix_outreach_campaigns_created_at ON outreach_campaigns (organization_id, created_at, id);

CREATE INDEX ix_outreach_campaigns_deleted_at ON outreach_campaigns (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_outreach_campaigns_deletion_id ON outreach_campaigns (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_outreach_campaigns_name ON outreach_campaigns (organization_id, name, id);

CREATE INDEX ix_outreach_campaigns_sequence_id ON outreach_campaigns (organization_id, sequence_id, id);

CREATE INDEX ix_outreach_campaigns_status_updated_at ON outreach_campaigns (organization_id, status, updated_at, id);

CREATE INDEX ix_outreach_campaigns_updated_at ON outreach_campaigns (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_outreach_campaigns_name_norm ON outreach_campaigns (organization_id, name_norm) WHERE deleted_at IS NULL;

CREATE TABLE prospect_scores (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	prospect_id TEXT NOT NULL,
	score INTEGER NOT NULL,
	breakdown TEXT NOT NULL,
	reasoning TEXT,
	confidence REAL,
	model TEXT,
	model_version TEXT,
	prompt_hash TEXT,
	input_tokens INTEGER,
	output_tokens INTEGER,
	cost_micros INTEGER,
	job_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_prospect_scores PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_prospect_scores_prospect_id FOREIGN KEY(organization_id, prospect_id) REFERENCES prospects (organization_id, id),
	CONSTRAINT ck_prospect_scores_score CHECK (score >= 0 AND score <= 100),
	CONSTRAINT ck_prospect_scores_breakdown CHECK (json_valid(breakdown)),
	CONSTRAINT ck_prospect_scores_reasoning CHECK (json_valid(reasoning)),
	CONSTRAINT ck_prospect_scores_confidence CHECK (confidence >= 0 AND confidence <= 1),
	CONSTRAINT ck_prospect_scores_model CHECK (length(model) <= 100),
	CONSTRAINT ck_prospect_scores_model_version CHECK (length(model_version) <= 100),
	CONSTRAINT ck_prospect_scores_prompt_hash CHECK (length(prompt_hash) <= 64),
	CONSTRAINT ck_prospect_scores_input_tokens CHECK (input_tokens >= 0),
	CONSTRAINT ck_prospect_scores_output_tokens CHECK (output_tokens >= 0),
	CONSTRAINT ck_prospect_scores_cost_micros CHECK (cost_micros >= 0),
	CONSTRAINT fk_prospect_scores_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_prospect_scores_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_prospect_scores_created_at ON prospect_scores (organization_id, created_at, id);

CREATE INDEX ix_prospect_scores_prospect_id_created_at ON prospect_scores (organization_id, prospect_id, created_at);

CREATE INDEX ix_prospect_scores_updated_at ON prospect_scores (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_prospect_scores_job_id ON prospect_scores (organization_id, job_id) WHERE job_id IS NOT NULL;

CREATE TABLE purchase_order_receipts (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	purchase_order_id TEXT NOT NULL,
	line_id TEXT NOT NULL,
	quantity INTEGER NOT NULL,
	received_at TEXT NOT NULL,
	idempotency_key TEXT NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_purchase_order_receipts PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_purchase_order_receipts_purchase_order_id FOREIGN KEY(organization_id, purchase_order_id) REFERENCES purchase_orders (organization_id, id),
	CONSTRAINT fk_purchase_order_receipts_line_id FOREIGN KEY(organization_id, line_id) REFERENCES purchase_order_lines (organization_id, id),
	CONSTRAINT ck_purchase_order_receipts_quantity CHECK (quantity >= 1 AND quantity <= 1000000),
	CONSTRAINT ck_purchase_order_receipts_idempotency_key CHECK (length(idempotency_key) <= 200 AND length(idempotency_key) >= 1),
	CONSTRAINT fk_purchase_order_receipts_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_purchase_order_receipts_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_purchase_order_receipts_created_at ON purchase_order_receipts (organization_id, created_at, id);

CREATE INDEX ix_purchase_order_receipts_purchase_order_id_idempotency_key ON purchase_order_receipts (organization_id, purchase_order_id, idempotency_key);

CREATE INDEX ix_purchase_order_receipts_updated_at ON purchase_order_receipts (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_purchase_order_receipts_line_id_idempotency_key ON purchase_order_receipts (organization_id, line_id, idempotency_key);

CREATE TABLE sequence_steps (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	sequence_id TEXT NOT NULL,
	step_key TEXT NOT NULL,
	step_number INTEGER NOT NULL,
	subject TEXT,
	content TEXT NOT NULL,
	delay_days INTEGER NOT NULL,
	delay_hours INTEGER NOT NULL,
	conditions TEXT,
	is_active INTEGER NOT NULL,
	template_id TEXT,
	revision INTEGER NOT NULL,
	supersedes_id TEXT,
	superseded_at TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_sequence_steps PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_sequence_steps_sequence_id FOREIGN KEY(organization_id, sequence_id) REFERENCES sequences (organization_id, id),
	CONSTRAINT ck_sequence_steps_step_key CHECK (length(step_key) <= 60 AND length(step_key) >= 1),
	CONSTRAINT ck_sequence_steps_step_number CHECK (step_number >= 1),
	CONSTRAINT ck_sequence_steps_subject CHECK (length(subject) <= 300),
	CONSTRAINT ck_sequence_steps_content CHECK (length(content) <= 100000 AND length(content) >= 1),
	CONSTRAINT ck_sequence_steps_delay_days CHECK (delay_days >= 0 AND delay_days <= 3650),
	CONSTRAINT ck_sequence_steps_delay_hours CHECK (delay_hours >= 0 AND delay_hours <= 87600),
	CONSTRAINT ck_sequence_steps_conditions CHECK (json_valid(conditions)),
	CONSTRAINT ck_sequence_steps_is_active CHECK (is_active IN (0, 1)),
	CONSTRAINT fk_sequence_steps_template_id FOREIGN KEY(organization_id, template_id) REFERENCES content_templates (organization_id, id),
	CONSTRAINT ck_sequence_steps_revision CHECK (revision >= 1),
	CONSTRAINT fk_sequence_steps_supersedes_id FOREIGN KEY(organization_id, supersedes_id) REFERENCES sequence_steps (organization_id, id),
	CONSTRAINT fk_sequence_steps_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_sequence_steps_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_sequence_steps_created_at ON sequence_steps (organization_id, created_at, id);

CREATE INDEX ix_sequence_steps_deleted_at ON sequence_steps (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_sequence_steps_deletion_id ON sequence_steps (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_sequence_steps_sequence_id_step_key_revision ON sequence_steps (organization_id, sequence_id, step_key, revision);

CREATE INDEX ix_sequence_steps_step_number ON sequence_steps (organization_id, step_number, id);

CREATE INDEX ix_sequence_steps_supersedes_id ON sequence_steps (organization_id, supersedes_id, id) WHERE supersedes_id IS NOT NULL;

CREATE INDEX ix_sequence_steps_template_id ON sequence_steps (organization_id, template_id, id) WHERE template_id IS NOT NULL;

CREATE INDEX ix_sequence_steps_updated_at ON sequence_steps (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_sequence_steps_sequence_id_step_key ON sequence_steps (organization_id, sequence_id, step_key) WHERE deleted_at IS NULL AND superseded_at IS NULL;

CREATE UNIQUE INDEX uq_sequence_steps_sequence_id_step_number ON sequence_steps (organization_id, sequence_id, step_number) WHERE deleted_at IS NULL AND superseded_at IS NULL;

CREATE TABLE enrollments (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	outreach_campaign_id TEXT NOT NULL,
	prospect_id TEXT NOT NULL,
	rotation INTEGER NOT NULL,
	status TEXT NOT NULL,
	current_step INTEGER NOT NULL,
	next_step_at TEXT,
	started_at TEXT,
	ended_at TEXT,
	stop_reason TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_enrollments PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_enrollments_outreach_campaign_id FOREIGN KEY(organization_id, outreach_campaign_id) REFERENCES outreach_campaigns (organization_id, id),
	CONSTRAINT fk_enrollments_prospect_id FOREIGN KEY(organization_id, prospect_id) REFERENCES prospects (organization_id, id),
	CONSTRAINT ck_enrollments_rotation CHECK (rotation >= 1),
	CONSTRAINT ck_enrollments_status CHECK (status IN ('pending', 'active', 'paused', 'replied', 'completed', 'bounced', 'unsubscribed', 'stopped', 'failed')),
	CONSTRAINT ck_enrollments_current_step CHECK (current_step >= 0),
	CONSTRAINT ck_enrollments_stop_reason CHECK (length(stop_reason) <= 300),
	CONSTRAINT fk_enrollments_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_enrollments_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_enrollments_created_at ON enrollments (organization_id, created_at, id);

CREATE INDEX ix_enrollments_outreach_campaign_id_status ON enrollments (organization_id, outreach_campaign_id, status);

CREATE INDEX ix_enrollments_prospect_id ON enrollments (organization_id, prospect_id, id);

CREATE INDEX ix_enrollments_status_next_step_at ON enrollments (status, next_step_at);

CREATE INDEX ix_enrollments_updated_at ON enrollments (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_enrollments_outreach_campaign_id_prospect_id ON enrollments (organization_id, outreach_campaign_id, prospect_id) WHERE status IN ('pending', 'active', 'paused');

CREATE UNIQUE INDEX uq_enrollments_outreach_campaign_id_prospect_id_rotation ON enrollments (organization_id, outreach_campaign_id, prospect_id, rotation);

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

CREATE TABLE messages (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	prospect_id TEXT NOT NULL,
	outreach_campaign_id TEXT,
	enrollment_id TEXT,
	sequence_step_id TEXT,
	step_key TEXT,
	type TEXT NOT NULL,
	direction TEXT NOT NULL,
	channel TEXT NOT NULL,
	subject TEXT,
	content TEXT NOT NULL,
	status TEXT NOT NULL,
	send_at TEXT,
	sent_at TEXT,
	delivered_at TEXT,
	first_opened_at TEXT,
	first_clicked_at TEXT,
	replied_at TEXT,
	bounced_at TEXT,
	open_count INTEGER NOT NULL,
	click_count INTEGER NOT NULL,
	provider TEXT,
	provider_message_id TEXT,
	answered_at TEXT,
	snoozed_until TEXT,
	thread_key TEXT,
	in_reply_to_id TEXT,
	recipient_hash TEXT,
	claim_token TEXT,
	claimed_until TEXT,
	attempts INTEGER NOT NULL,
	last_error TEXT,
	metadata TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_messages PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_messages_prospect_id FOREIGN KEY(organization_id, prospect_id) REFERENCES prospects (organization_id, id),
	CONSTRAINT fk_messages_outreach_campaign_id FOREIGN KEY(organization_id, outreach_campaign_id) REFERENCES outreach_campaigns (organization_id, id),
	CONSTRAINT fk_messages_enrollment_id FOREIGN KEY(organization_id, enrollment_id) REFERENCES enrollments (organization_id, id),
	CONSTRAINT fk_messages_sequence_step_id FOREIGN KEY(organization_id, sequence_step_id) REFERENCES sequence_steps (organization_id, id),
	CONSTRAINT ck_messages_step_key CHECK (length(step_key) <= 60),
	CONSTRAINT ck_messages_type CHECK (type IN ('initial', 'follow_up', 'manual', 'template')),
	CONSTRAINT ck_messages_direction CHECK (direction IN ('outbound', 'inbound')),
	CONSTRAINT ck_messages_channel CHECK (channel IN ('email', 'linkedin', 'sms', 'whatsapp')),
	CONSTRAINT ck_messages_subject CHECK (length(subject) <= 300),
	CONSTRAINT ck_messages_content CHECK (length(content) <= 100000),
	CONSTRAINT ck_messages_status CHECK (status IN ('draft', 'scheduled', 'queued', 'claimed', 'dispatching', 'sent', 'delivered', 'bounced', 'failed', 'unconfirmed', 'suppressed', 'cancelled')),
	CONSTRAINT ck_messages_open_count CHECK (open_count >= 0),
	CONSTRAINT ck_messages_click_count CHECK (click_count >= 0),
	CONSTRAINT ck_messages_provider CHECK (length(provider) <= 60),
	CONSTRAINT ck_messages_provider_message_id CHECK (length(provider_message_id) <= 300),
	CONSTRAINT ck_messages_thread_key CHECK (length(thread_key) <= 300),
	CONSTRAINT fk_messages_in_reply_to_id FOREIGN KEY(organization_id, in_reply_to_id) REFERENCES messages (organization_id, id),
	CONSTRAINT ck_messages_recipient_hash CHECK (length(recipient_hash) <= 64),
	CONSTRAINT ck_messages_attempts CHECK (attempts >= 0),
	CONSTRAINT ck_messages_last_error CHECK (json_valid(last_error)),
	CONSTRAINT ck_messages_metadata CHECK (json_valid(metadata)),
	CONSTRAINT fk_messages_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_messages_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_messages_created_at ON messages (organization_id, created_at, id);

CREATE INDEX ix_messages_created_by ON messages (organization_id, created_by) WHERE outreach_campaign_id IS NULL;

CREATE INDEX ix_messages_direction_created_at ON messages (organization_id, direction, created_at, id) WHERE direction = 'inbound' AND answered_at IS NULL;

CREATE INDEX ix_messages_in_reply_to_id ON messages (organization_id, in_reply_to_id, id) WHERE in_reply_to_id IS NOT NULL;

CREATE INDEX ix_messages_outreach_campaign_id_status ON messages (organization_id, outreach_campaign_id, status);

CREATE INDEX ix_messages_prospect_id_created_at ON messages (organization_id, prospect_id, created_at);

CREATE INDEX ix_messages_sent_at ON messages (organization_id, sent_at, id);

CREATE INDEX ix_messages_sequence_step_id ON messages (organization_id, sequence_step_id, id) WHERE sequence_step_id IS NOT NULL;

CREATE INDEX ix_messages_status_send_at ON messages (status, send_at);

CREATE INDEX ix_messages_updated_at ON messages (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_messages_enrollment_id_step_key ON messages (organization_id, enrollment_id, step_key) WHERE enrollment_id IS NOT NULL;

CREATE UNIQUE INDEX uq_messages_provider_provider_message_id ON messages (organization_id, provider, provider_message_id) WHERE provider_message_id IS NOT NULL;

CREATE TABLE activities (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	prospect_id TEXT NOT NULL,
	user_id TEXT,
	type TEXT NOT NULL,
	title TEXT NOT NULL,
	description TEXT,
	scheduled_at TEXT,
	completed_at TEXT,
	reminder_at TEXT,
	message_id TEXT,
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
	CONSTRAINT pk_activities PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_activities_prospect_id FOREIGN KEY(organization_id, prospect_id) REFERENCES prospects (organization_id, id),
	CONSTRAINT fk_activities_user_id FOREIGN KEY(organization_id, user_id) REFERENCES memberships (organization_id, user_id),
	CONSTRAINT ck_activities_type CHECK (type IN ('call', 'meeting', 'email', 'note', 'task', 'demo', 'follow_up', 'stage_change', 'system')),
	CONSTRAINT ck_activities_title CHECK (length(title) <= 300 AND length(title) >= 1),
	CONSTRAINT ck_activities_description CHECK (length(description) <= 20000),
	CONSTRAINT fk_activities_message_id FOREIGN KEY(organization_id, message_id) REFERENCES messages (organization_id, id),
	CONSTRAINT ck_activities_metadata CHECK (json_valid(metadata)),
	CONSTRAINT fk_activities_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_activities_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_activities_created_at ON activities (organization_id, created_at, id);

CREATE INDEX ix_activities_deleted_at ON activities (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_activities_deletion_id ON activities (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_activities_message_id ON activities (organization_id, message_id, id) WHERE message_id IS NOT NULL;

CREATE INDEX ix_activities_prospect_id_created_at ON activities (organization_id, prospect_id, created_at);

CREATE INDEX ix_activities_reminder_at ON activities (organization_id, reminder_at) WHERE reminder_at IS NOT NULL;

CREATE INDEX ix_activities_scheduled_at ON activities (organization_id, scheduled_at, id);

CREATE INDEX ix_activities_updated_at ON activities (organization_id, updated_at, id);

CREATE INDEX ix_activities_user_id ON activities (organization_id, user_id, id) WHERE user_id IS NOT NULL;

CREATE INDEX ix_activities_user_id_scheduled_at ON activities (organization_id, user_id, scheduled_at) WHERE completed_at IS NULL;

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

CREATE TABLE generated_contents (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	campaign_id TEXT NOT NULL,
	type TEXT NOT NULL,
	platform TEXT,
	title TEXT,
	data TEXT,
	hashtags TEXT NOT NULL,
	mentions TEXT NOT NULL,
	media_urls TEXT NOT NULL,
	prompt TEXT NOT NULL,
	prompt_hash TEXT NOT NULL,
	model TEXT NOT NULL,
	parameters TEXT NOT NULL,
	engagement_score REAL,
	is_selected INTEGER NOT NULL,
	user_rating INTEGER,
	user_edits TEXT,
	ordinal INTEGER,
	promoted_content_id TEXT,
	promoted_piece_id TEXT,
	text TEXT,
	model_version TEXT,
	input_tokens INTEGER,
	output_tokens INTEGER,
	cost_micros INTEGER,
	job_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_generated_contents PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_generated_contents_campaign_id FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
	CONSTRAINT ck_generated_contents_type CHECK (type IN ('idea', 'social_post', 'video_prompt', 'hashtags', 'summary', 'text_image', 'email', 'other')),
	CONSTRAINT ck_generated_contents_platform CHECK (platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')),
	CONSTRAINT ck_generated_contents_title CHECK (length(title) <= 300),
	CONSTRAINT ck_generated_contents_data CHECK (json_valid(data)),
	CONSTRAINT ck_generated_contents_hashtags CHECK (json_valid(hashtags)),
	CONSTRAINT ck_generated_contents_mentions CHECK (json_valid(mentions)),
	CONSTRAINT ck_generated_contents_media_urls CHECK (json_valid(media_urls)),
	CONSTRAINT ck_generated_contents_prompt CHECK (length(prompt) <= 100000 AND length(prompt) >= 1),
	CONSTRAINT ck_generated_contents_prompt_hash CHECK (length(prompt_hash) <= 64),
	CONSTRAINT ck_generated_contents_model CHECK (length(model) <= 100 AND length(model) >= 1),
	CONSTRAINT ck_generated_contents_parameters CHECK (json_valid(parameters)),
	CONSTRAINT ck_generated_contents_engagement_score CHECK (engagement_score >= 0 AND engagement_score <= 1),
	CONSTRAINT ck_generated_contents_is_selected CHECK (is_selected IN (0, 1)),
	CONSTRAINT ck_generated_contents_user_rating CHECK (user_rating >= 1 AND user_rating <= 5),
	CONSTRAINT ck_generated_contents_user_edits CHECK (json_valid(user_edits)),
	CONSTRAINT ck_generated_contents_ordinal CHECK (ordinal >= 0),
	CONSTRAINT fk_generated_contents_promoted_content_id FOREIGN KEY(organization_id, promoted_content_id) REFERENCES contents (organization_id, id),
	CONSTRAINT fk_generated_contents_promoted_piece_id FOREIGN KEY(organization_id, promoted_piece_id) REFERENCES content_pieces (organization_id, id),
	CONSTRAINT ck_generated_contents_text CHECK (length(text) <= 100000),
	CONSTRAINT ck_generated_contents_model_version CHECK (length(model_version) <= 100),
	CONSTRAINT ck_generated_contents_input_tokens CHECK (input_tokens >= 0),
	CONSTRAINT ck_generated_contents_output_tokens CHECK (output_tokens >= 0),
	CONSTRAINT ck_generated_contents_cost_micros CHECK (cost_micros >= 0),
	CONSTRAINT fk_generated_contents_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_generated_contents_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_generated_contents_campaign_id ON generated_contents (organization_id, campaign_id) WHERE is_selected;

CREATE INDEX ix_generated_contents_campaign_id_type_created_at ON generated_contents (organization_id, campaign_id, type, created_at);

CREATE INDEX ix_generated_contents_created_at ON generated_contents (organization_id, created_at, id);

CREATE INDEX ix_generated_contents_platform_is_selected ON generated_contents (organization_id, platform, is_selected);

CREATE INDEX ix_generated_contents_promoted_content_id ON generated_contents (organization_id, promoted_content_id, id) WHERE promoted_content_id IS NOT NULL;

CREATE INDEX ix_generated_contents_promoted_piece_id ON generated_contents (organization_id, promoted_piece_id, id) WHERE promoted_piece_id IS NOT NULL;

CREATE INDEX ix_generated_contents_updated_at ON generated_contents (organization_id, updated_at, id);

CREATE INDEX ix_generated_contents_user_rating_engagement_score ON generated_contents (organization_id, user_rating, engagement_score);

CREATE UNIQUE INDEX uq_generated_contents_job_id_ordinal ON generated_contents (organization_id, job_id, ordinal) WHERE job_id IS NOT NULL;

CREATE TABLE message_events (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	message_id TEXT NOT NULL,
	type TEXT NOT NULL,
	provider TEXT NOT NULL,
	provider_event_id TEXT NOT NULL,
	occurred_at TEXT NOT NULL,
	received_at TEXT NOT NULL,
	data TEXT NOT NULL,
	CONSTRAINT pk_message_events PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_message_events_message_id FOREIGN KEY(organization_id, message_id) REFERENCES messages (organization_id, id),
	CONSTRAINT ck_message_events_type CHECK (type IN ('sent', 'delivered', 'open', 'click', 'reply', 'bounce_soft', 'bounce_hard', 'complaint', 'unsubscribe', 'failed')),
	CONSTRAINT ck_message_events_provider CHECK (length(provider) <= 60),
	CONSTRAINT ck_message_events_provider_event_id CHECK (length(provider_event_id) <= 300),
	CONSTRAINT ck_message_events_data CHECK (json_valid(data))
)
 STRICT;

CREATE INDEX ix_message_events_message_id_occurred_at ON message_events (organization_id, message_id, occurred_at);

CREATE INDEX ix_message_events_occurred_at ON message_events (organization_id, occurred_at, id);

CREATE UNIQUE INDEX uq_message_events_provider_provider_event_id ON message_events (organization_id, provider, provider_event_id);

CREATE TABLE suppressions (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	channel TEXT NOT NULL,
	scope TEXT NOT NULL,
	address TEXT,
	address_hash TEXT NOT NULL,
	reason TEXT NOT NULL,
	source_message_id TEXT,
	lifted_at TEXT,
	lifted_by TEXT,
	lift_reason TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_suppressions PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_suppressions_channel CHECK (channel IN ('email', 'linkedin', 'sms', 'whatsapp', 'all')),
	CONSTRAINT ck_suppressions_scope CHECK (scope IN ('address', 'domain')),
	CONSTRAINT ck_suppressions_address CHECK (length(address) <= 320),
	CONSTRAINT ck_suppressions_address_hash CHECK (length(address_hash) <= 64),
	CONSTRAINT ck_suppressions_reason CHECK (reason IN ('unsubscribe', 'complaint', 'hard_bounce', 'manual', 'legal', 'import')),
	CONSTRAINT fk_suppressions_source_message_id FOREIGN KEY(organization_id, source_message_id) REFERENCES messages (organization_id, id),
	CONSTRAINT ck_suppressions_lift_reason CHECK (length(lift_reason) <= 2000),
	CONSTRAINT fk_suppressions_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_suppressions_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_suppressions_address_hash ON suppressions (organization_id, address_hash);

CREATE INDEX ix_suppressions_created_at ON suppressions (organization_id, created_at, id);

CREATE INDEX ix_suppressions_source_message_id ON suppressions (organization_id, source_message_id, id) WHERE source_message_id IS NOT NULL;

CREATE INDEX ix_suppressions_updated_at ON suppressions (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_suppressions_channel_scope_address_hash ON suppressions (organization_id, channel, scope, address_hash) WHERE lifted_at IS NULL;

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

CREATE TABLE content_pieces (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	platform TEXT NOT NULL,
	type TEXT NOT NULL,
	status TEXT NOT NULL,
	title TEXT,
	body TEXT NOT NULL,
	hook TEXT,
	cta TEXT,
	hashtags TEXT NOT NULL,
	mentions TEXT NOT NULL,
	thread_parts TEXT,
	pillar_id TEXT,
	series_id TEXT,
	sequence_no INTEGER,
	campaign_id TEXT,
	content_id TEXT,
	generated_content_id TEXT,
	rationale TEXT,
	confidence REAL,
	generated_by TEXT,
	expires_at TEXT,
	body_hash TEXT NOT NULL,
	approved_by TEXT,
	approved_at TEXT,
	approved_rules_version INTEGER,
	rejection_reason TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	deleted_at TEXT,
	deleted_by TEXT,
	deletion_id TEXT,
	purged_at TEXT,
	CONSTRAINT pk_content_pieces PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_content_pieces_platform CHECK (platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')),
	CONSTRAINT ck_content_pieces_type CHECK (type IN ('post', 'thread', 'story', 'reel', 'short', 'carousel', 'poll')),
	CONSTRAINT ck_content_pieces_status CHECK (status IN ('draft', 'pending_review', 'approved', 'rejected', 'scheduled', 'partially_published', 'published', 'failed', 'archived')),
	CONSTRAINT ck_content_pieces_title CHECK (length(title) <= 300),
	CONSTRAINT ck_content_pieces_body CHECK (length(body) <= 100000),
	CONSTRAINT ck_content_pieces_hook CHECK (length(hook) <= 2000),
	CONSTRAINT ck_content_pieces_cta CHECK (length(cta) <= 2000),
	CONSTRAINT ck_content_pieces_hashtags CHECK (json_valid(hashtags)),
	CONSTRAINT ck_content_pieces_mentions CHECK (json_valid(mentions)),
	CONSTRAINT ck_content_pieces_thread_parts CHECK (json_valid(thread_parts)),
	CONSTRAINT fk_content_pieces_pillar_id FOREIGN KEY(organization_id, pillar_id) REFERENCES content_pillars (organization_id, id),
	CONSTRAINT fk_content_pieces_series_id FOREIGN KEY(organization_id, series_id) REFERENCES series (organization_id, id),
	CONSTRAINT ck_content_pieces_sequence_no CHECK (sequence_no >= 1),
	CONSTRAINT fk_content_pieces_campaign_id FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
	CONSTRAINT fk_content_pieces_content_id FOREIGN KEY(organization_id, content_id) REFERENCES contents (organization_id, id),
	CONSTRAINT fk_content_pieces_generated_content_id FOREIGN KEY(organization_id, generated_content_id) REFERENCES generated_contents (organization_id, id),
	CONSTRAINT ck_content_pieces_rationale CHECK (length(rationale) <= 20000),
	CONSTRAINT ck_content_pieces_confidence CHECK (confidence >= 0 AND confidence <= 1),
	CONSTRAINT ck_content_pieces_generated_by CHECK (length(generated_by) <= 200),
	CONSTRAINT ck_content_pieces_body_hash CHECK (length(body_hash) <= 64),
	CONSTRAINT ck_content_pieces_rejection_reason CHECK (length(rejection_reason) <= 2000),
	CONSTRAINT fk_content_pieces_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_content_pieces_version CHECK (version >= 1),
	CONSTRAINT ck_content_pieces_one_platform CHECK (platform <> 'general')
)
 STRICT;

CREATE INDEX ix_content_pieces_campaign_id ON content_pieces (organization_id, campaign_id, id) WHERE campaign_id IS NOT NULL;

CREATE INDEX ix_content_pieces_content_id ON content_pieces (organization_id, content_id, id) WHERE content_id IS NOT NULL;

CREATE INDEX ix_content_pieces_created_at ON content_pieces (organization_id, created_at, id);

CREATE INDEX ix_content_pieces_deleted_at ON content_pieces (organization_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_content_pieces_deletion_id ON content_pieces (organization_id, deletion_id) WHERE deletion_id IS NOT NULL;

CREATE INDEX ix_content_pieces_generated_content_id ON content_pieces (organization_id, generated_content_id, id) WHERE generated_content_id IS NOT NULL;

CREATE INDEX ix_content_pieces_pillar_id ON content_pieces (organization_id, pillar_id);

CREATE INDEX ix_content_pieces_platform_status ON content_pieces (organization_id, platform, status);

CREATE INDEX ix_content_pieces_series_id_sequence_no ON content_pieces (organization_id, series_id, sequence_no);

CREATE INDEX ix_content_pieces_status_updated_at ON content_pieces (organization_id, status, updated_at, id);

CREATE INDEX ix_content_pieces_updated_at ON content_pieces (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_content_pieces_series_id_sequence_no ON content_pieces (organization_id, series_id, sequence_no) WHERE deleted_at IS NULL AND series_id IS NOT NULL AND sequence_no IS NOT NULL;

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

CREATE TABLE piece_assets (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	piece_id TEXT NOT NULL,
	asset_id TEXT NOT NULL,
	position INTEGER NOT NULL,
	alt_text TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_piece_assets PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_piece_assets_piece_id FOREIGN KEY(organization_id, piece_id) REFERENCES content_pieces (organization_id, id),
	CONSTRAINT fk_piece_assets_asset_id FOREIGN KEY(organization_id, asset_id) REFERENCES assets (organization_id, id),
	CONSTRAINT ck_piece_assets_position CHECK (position >= 0),
	CONSTRAINT ck_piece_assets_alt_text CHECK (length(alt_text) <= 2000),
	CONSTRAINT fk_piece_assets_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_piece_assets_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_piece_assets_asset_id ON piece_assets (organization_id, asset_id, id);

CREATE INDEX ix_piece_assets_created_at ON piece_assets (organization_id, created_at, id);

CREATE INDEX ix_piece_assets_updated_at ON piece_assets (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_piece_assets_piece_id_position ON piece_assets (organization_id, piece_id, position);

CREATE TABLE scheduled_posts (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	content_piece_id TEXT NOT NULL,
	social_account_id TEXT NOT NULL,
	scheduled_at TEXT NOT NULL,
	timezone TEXT NOT NULL,
	status TEXT NOT NULL,
	idempotency_key TEXT NOT NULL,
	payload_snapshot TEXT,
	payload_hash TEXT NOT NULL,
	platform_post_id TEXT,
	platform_url TEXT,
	published_at TEXT,
	attempt_count INTEGER NOT NULL,
	max_attempts INTEGER NOT NULL,
	next_attempt_at TEXT,
	last_attempt_at TEXT,
	claim_token TEXT,
	lease_until TEXT,
	last_error TEXT,
	misfire_grace_minutes INTEGER NOT NULL,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_scheduled_posts PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_scheduled_posts_content_piece_id FOREIGN KEY(organization_id, content_piece_id) REFERENCES content_pieces (organization_id, id),
	CONSTRAINT fk_scheduled_posts_social_account_id FOREIGN KEY(organization_id, social_account_id) REFERENCES social_accounts (organization_id, id),
	CONSTRAINT ck_scheduled_posts_timezone CHECK (length(timezone) <= 64),
	CONSTRAINT ck_scheduled_posts_status CHECK (status IN ('draft', 'on_hold', 'scheduled', 'claimed', 'dispatching', 'published', 'retrying', 'failed', 'unconfirmed', 'cancelled', 'missed')),
	CONSTRAINT ck_scheduled_posts_idempotency_key CHECK (length(idempotency_key) <= 255),
	CONSTRAINT ck_scheduled_posts_payload_snapshot CHECK (json_valid(payload_snapshot)),
	CONSTRAINT ck_scheduled_posts_payload_hash CHECK (length(payload_hash) <= 64),
	CONSTRAINT ck_scheduled_posts_platform_post_id CHECK (length(platform_post_id) <= 300),
	CONSTRAINT ck_scheduled_posts_platform_url CHECK (length(platform_url) <= 2000),
	CONSTRAINT ck_scheduled_posts_attempt_count CHECK (attempt_count >= 0),
	CONSTRAINT ck_scheduled_posts_max_attempts CHECK (max_attempts >= 1 AND max_attempts <= 10),
	CONSTRAINT ck_scheduled_posts_last_error CHECK (json_valid(last_error)),
	CONSTRAINT ck_scheduled_posts_misfire_grace_minutes CHECK (misfire_grace_minutes >= 0 AND misfire_grace_minutes <= 10080),
	CONSTRAINT fk_scheduled_posts_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_scheduled_posts_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_scheduled_posts_content_piece_id ON scheduled_posts (organization_id, content_piece_id);

CREATE INDEX ix_scheduled_posts_created_at ON scheduled_posts (organization_id, created_at, id);

CREATE INDEX ix_scheduled_posts_created_by ON scheduled_posts (organization_id, created_by) WHERE status = 'published';

CREATE INDEX ix_scheduled_posts_scheduled_at ON scheduled_posts (organization_id, scheduled_at, id);

CREATE INDEX ix_scheduled_posts_social_account_id_scheduled_at ON scheduled_posts (organization_id, social_account_id, scheduled_at);

CREATE INDEX ix_scheduled_posts_status_lease_until ON scheduled_posts (status, lease_until);

CREATE INDEX ix_scheduled_posts_status_next_attempt_at ON scheduled_posts (status, next_attempt_at);

CREATE INDEX ix_scheduled_posts_status_published_at ON scheduled_posts (organization_id, status, published_at);

CREATE INDEX ix_scheduled_posts_updated_at ON scheduled_posts (organization_id, updated_at, id);

CREATE UNIQUE INDEX uq_scheduled_posts_content_piece_id_social_account_id_schedu ON scheduled_posts (organization_id, content_piece_id, social_account_id, scheduled_at) WHERE status NOT IN ('cancelled', 'failed', 'missed');

CREATE UNIQUE INDEX uq_scheduled_posts_idempotency_key ON scheduled_posts (organization_id, idempotency_key);

CREATE UNIQUE INDEX uq_scheduled_posts_social_account_id ON scheduled_posts (organization_id, social_account_id) WHERE status IN ('claimed', 'dispatching');

CREATE UNIQUE INDEX uq_scheduled_posts_social_account_id_platform_post_id ON scheduled_posts (organization_id, social_account_id, platform_post_id) WHERE platform_post_id IS NOT NULL;

CREATE TABLE post_metric_snapshots (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	scheduled_post_id TEXT NOT NULL,
	social_account_id TEXT NOT NULL,
	content_piece_id TEXT,
	platform TEXT NOT NULL,
	bucket_at TEXT NOT NULL,
	collected_at TEXT NOT NULL,
	impressions INTEGER,
	reach INTEGER,
	likes INTEGER,
	comments INTEGER,
	shares INTEGER,
	saves INTEGER,
	clicks INTEGER,
	website_clicks INTEGER,
	video_views INTEGER,
	signups INTEGER,
	demos INTEGER,
	followers_total INTEGER,
	engagement_rate REAL,
	ctr REAL,
	raw TEXT,
	CONSTRAINT pk_post_metric_snapshots PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_post_metric_snapshots_scheduled_post_id FOREIGN KEY(organization_id, scheduled_post_id) REFERENCES scheduled_posts (organization_id, id),
	CONSTRAINT fk_post_metric_snapshots_social_account_id FOREIGN KEY(organization_id, social_account_id) REFERENCES social_accounts (organization_id, id),
	CONSTRAINT fk_post_metric_snapshots_content_piece_id FOREIGN KEY(organization_id, content_piece_id) REFERENCES content_pieces (organization_id, id),
	CONSTRAINT ck_post_metric_snapshots_platform CHECK (platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')),
	CONSTRAINT ck_post_metric_snapshots_impressions CHECK (impressions >= 0),
	CONSTRAINT ck_post_metric_snapshots_reach CHECK (reach >= 0),
	CONSTRAINT ck_post_metric_snapshots_likes CHECK (likes >= 0),
	CONSTRAINT ck_post_metric_snapshots_comments CHECK (comments >= 0),
	CONSTRAINT ck_post_metric_snapshots_shares CHECK (shares >= 0),
	CONSTRAINT ck_post_metric_snapshots_saves CHECK (saves >= 0),
	CONSTRAINT ck_post_metric_snapshots_clicks CHECK (clicks >= 0),
	CONSTRAINT ck_post_metric_snapshots_website_clicks CHECK (website_clicks >= 0),
	CONSTRAINT ck_post_metric_snapshots_video_views CHECK (video_views >= 0),
	CONSTRAINT ck_post_metric_snapshots_signups CHECK (signups >= 0),
	CONSTRAINT ck_post_metric_snapshots_demos CHECK (demos >= 0),
	CONSTRAINT ck_post_metric_snapshots_followers_total CHECK (followers_total >= 0),
	CONSTRAINT ck_post_metric_snapshots_engagement_rate CHECK (engagement_rate >= 0 AND engagement_rate <= 1.7976931348623157e+308),
	CONSTRAINT ck_post_metric_snapshots_ctr CHECK (ctr >= 0 AND ctr <= 1.7976931348623157e+308),
	CONSTRAINT ck_post_metric_snapshots_raw CHECK (json_valid(raw))
)
 STRICT;

CREATE INDEX ix_post_metric_snapshots_bucket_at ON post_metric_snapshots (organization_id, bucket_at, id);

CREATE INDEX ix_post_metric_snapshots_content_piece_id_bucket_at ON post_metric_snapshots (organization_id, content_piece_id, bucket_at);

CREATE INDEX ix_post_metric_snapshots_platform_bucket_at ON post_metric_snapshots (organization_id, platform, bucket_at);

CREATE INDEX ix_post_metric_snapshots_social_account_id ON post_metric_snapshots (organization_id, social_account_id, id);

CREATE UNIQUE INDEX uq_post_metric_snapshots_scheduled_post_id_bucket_at ON post_metric_snapshots (organization_id, scheduled_post_id, bucket_at);

CREATE TABLE publish_attempts (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	scheduled_post_id TEXT NOT NULL,
	attempt_no INTEGER NOT NULL,
	phase TEXT NOT NULL,
	started_at TEXT NOT NULL,
	finished_at TEXT,
	http_status INTEGER,
	error TEXT,
	worker_id TEXT NOT NULL,
	CONSTRAINT pk_publish_attempts PRIMARY KEY (organization_id, id),
	CONSTRAINT fk_publish_attempts_scheduled_post_id FOREIGN KEY(organization_id, scheduled_post_id) REFERENCES scheduled_posts (organization_id, id),
	CONSTRAINT ck_publish_attempts_attempt_no CHECK (attempt_no >= 1),
	CONSTRAINT ck_publish_attempts_phase CHECK (phase IN ('dispatching', 'succeeded', 'rejected', 'unknown')),
	CONSTRAINT ck_publish_attempts_http_status CHECK (http_status >= 100 AND http_status <= 599),
	CONSTRAINT ck_publish_attempts_error CHECK (json_valid(error)),
	CONSTRAINT ck_publish_attempts_worker_id CHECK (length(worker_id) <= 200)
)
 STRICT;

CREATE UNIQUE INDEX uq_publish_attempts_scheduled_post_id_attempt_no ON publish_attempts (organization_id, scheduled_post_id, attempt_no);

CREATE TABLE weekly_summaries (
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	week_start TEXT NOT NULL,
	week_end TEXT NOT NULL,
	status TEXT NOT NULL,
	report_md TEXT,
	recommendations TEXT,
	key_insights TEXT,
	total_posts INTEGER NOT NULL,
	avg_engagement REAL,
	top_post_id TEXT,
	confidence REAL,
	error TEXT,
	accepted_at TEXT,
	model TEXT,
	model_version TEXT,
	prompt_hash TEXT,
	input_tokens INTEGER,
	output_tokens INTEGER,
	cost_micros INTEGER,
	job_id TEXT,
	created_at TEXT NOT NULL,
	created_by TEXT,
	updated_at TEXT NOT NULL,
	updated_by TEXT,
	version INTEGER NOT NULL,
	CONSTRAINT pk_weekly_summaries PRIMARY KEY (organization_id, id),
	CONSTRAINT ck_weekly_summaries_status CHECK (status IN ('generating', 'ready', 'accepted', 'dismissed', 'failed')),
	CONSTRAINT ck_weekly_summaries_report_md CHECK (length(report_md) <= 100000),
	CONSTRAINT ck_weekly_summaries_recommendations CHECK (json_valid(recommendations)),
	CONSTRAINT ck_weekly_summaries_key_insights CHECK (json_valid(key_insights)),
	CONSTRAINT ck_weekly_summaries_total_posts CHECK (total_posts >= 0),
	CONSTRAINT ck_weekly_summaries_avg_engagement CHECK (avg_engagement >= -1.7976931348623157e+308 AND avg_engagement <= 1.7976931348623157e+308),
	CONSTRAINT fk_weekly_summaries_top_post_id FOREIGN KEY(organization_id, top_post_id) REFERENCES scheduled_posts (organization_id, id),
	CONSTRAINT ck_weekly_summaries_confidence CHECK (confidence >= 0 AND confidence <= 1),
	CONSTRAINT ck_weekly_summaries_error CHECK (length(error) <= 2000),
	CONSTRAINT ck_weekly_summaries_model CHECK (length(model) <= 100),
	CONSTRAINT ck_weekly_summaries_model_version CHECK (length(model_version) <= 100),
	CONSTRAINT ck_weekly_summaries_prompt_hash CHECK (length(prompt_hash) <= 64),
	CONSTRAINT ck_weekly_summaries_input_tokens CHECK (input_tokens >= 0),
	CONSTRAINT ck_weekly_summaries_output_tokens CHECK (output_tokens >= 0),
	CONSTRAINT ck_weekly_summaries_cost_micros CHECK (cost_micros >= 0),
	CONSTRAINT fk_weekly_summaries_organization_id FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT ck_weekly_summaries_version CHECK (version >= 1)
)
 STRICT;

CREATE INDEX ix_weekly_summaries_created_at ON weekly_summaries (organization_id, created_at, id);

CREATE INDEX ix_weekly_summaries_top_post_id ON weekly_summaries (organization_id, top_post_id, id) WHERE top_post_id IS NOT NULL;

CREATE INDEX ix_weekly_summaries_updated_at ON weekly_summaries (organization_id, updated_at, id);

CREATE INDEX ix_weekly_summaries_week_start ON weekly_summaries (organization_id, week_start, id);

CREATE UNIQUE INDEX uq_weekly_summaries_week_start ON weekly_summaries (organization_id, week_start);

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

CREATE TRIGGER seals_refuse_update BEFORE UPDATE ON seals BEGIN
    SELECT RAISE(ABORT, 'seals are never changed');
END;

CREATE TRIGGER seals_refuse_delete BEFORE DELETE ON seals
WHEN NOT EXISTS (SELECT 1 FROM instance_facts WHERE name = 'log_retention') BEGIN
    SELECT RAISE(ABORT, 'seals are deleted by retention only');
END;

CREATE VIEW campaign_summary AS
SELECT c.organization_id, c.id, c.id AS campaign_id, c.name, c.campaign_type, c.status,
  b.name AS brand_name, u.username AS owner_username, u.full_name AS owner_full_name,
  c.start_at, c.end_at, c.created_at, c.updated_at,
  (SELECT count(*) FROM journeys x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS journey_count,
  (SELECT count(*) FROM contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) + (SELECT count(*) FROM generated_contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id) AS content_count,
  (SELECT count(*) FROM contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS written_content_count,
  (SELECT count(*) FROM generated_contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id) AS generated_content_count,
  (SELECT count(*) FROM generated_contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.is_selected) AS selected_content_count,
  (SELECT count(*) FROM content_pieces x CROSS JOIN scheduled_posts s WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL AND s.organization_id = x.organization_id AND s.content_piece_id = x.id AND coalesce(s.status, '') = 'published') AS published_post_count,
  (SELECT count(*) FROM assets x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS asset_count,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'impression')) AS impressions,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'click')) AS clicks,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'conversion')) AS conversions,
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
SELECT base.organization_id, base.id, base.source, base.id AS content_id, base.campaign_id, k.name AS campaign_name,
  base.content_type, base.platform, base.title, base.status, base.is_selected,
  (EXISTS (SELECT 1 FROM contents o WHERE o.organization_id = base.organization_id AND o.id = base.event_content_id AND o.deleted_at IS NULL AND o.status = 'published') OR EXISTS (SELECT 1 FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND coalesce(s.status, '') = 'published')) AS is_published,
  (SELECT min(s.scheduled_at) FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND s.status NOT IN ('draft', 'cancelled', 'failed', 'missed')) AS scheduled_for,
  (SELECT min(f.at) FROM (SELECT o.published_at AS at FROM contents o WHERE o.organization_id = base.organization_id AND o.id = base.event_content_id AND o.deleted_at IS NULL UNION ALL SELECT s.published_at FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id) f) AS published_at,
  base.user_rating, base.predicted_engagement,
  (SELECT sum(f.v) FROM (SELECT n.impressions AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('impression')) f) AS impressions,
  (SELECT sum(f.v) FROM (SELECT n.reach AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f) AS reach,
  (SELECT sum(f.v) FROM (SELECT n.clicks AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('click')) f) AS clicks,
  (SELECT sum(f.v) FROM (SELECT n.likes AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f) AS likes,
  (SELECT sum(f.v) FROM (SELECT n.comments AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f) AS comments,
  (SELECT sum(f.v) FROM (SELECT n.shares AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('share')) f) AS shares,
  (SELECT sum(f.v) FROM (SELECT CASE WHEN n.signups IS NULL AND n.demos IS NULL THEN NULL ELSE coalesce(n.signups, 0) + coalesce(n.demos, 0) END AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('conversion')) f) AS conversions,
  CAST((SELECT sum(f.v) FROM (SELECT CASE WHEN coalesce(n.likes, n.comments, n.shares, n.saves, n.clicks) IS NOT NULL THEN coalesce(n.likes, 0) + coalesce(n.comments, 0) + coalesce(n.shares, 0) + coalesce(n.saves, 0) + coalesce(n.clicks, 0) END AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('click', 'engagement', 'share')) f) AS REAL) / nullif((SELECT sum(f.v) FROM (SELECT n.impressions AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('impression')) f), 0) AS engagement_rate,
  CAST((SELECT sum(f.v) FROM (SELECT n.clicks AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('click')) f) AS REAL) / nullif((SELECT sum(f.v) FROM (SELECT n.impressions AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('impression')) f), 0) AS ctr,
  (SELECT max(f.at) FROM (SELECT d.last_event_at AS at FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id UNION ALL SELECT n.collected_at FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f) AS metrics_as_of,
  base.created_at, u.username
FROM (
  SELECT c.organization_id, c.id, 'content' AS source, c.campaign_id, c.type AS content_type, c.channel AS platform,
    c.title, c.status, CAST(NULL AS INTEGER) AS is_selected, CAST(NULL AS INTEGER) AS user_rating,
    CAST(NULL AS REAL) AS predicted_engagement, c.id AS event_content_id,
    c.created_at, c.created_by, c.deleted_at
  FROM contents c
  UNION ALL
  SELECT g.organization_id, g.id, 'generated', g.campaign_id, g.type, g.platform, g.title, CAST(NULL AS TEXT),
    g.is_selected, g.user_rating, g.engagement_score, g.promoted_content_id,
    g.created_at, g.created_by, CAST(NULL AS TEXT)
  FROM generated_contents g
  UNION ALL
  SELECT p.organization_id, p.id, 'piece', p.campaign_id, p.type, p.platform, p.title, p.status,
    CAST(NULL AS INTEGER), CAST(NULL AS INTEGER), CAST(NULL AS REAL), CAST(NULL AS TEXT),
    p.created_at, p.created_by, p.deleted_at
  FROM content_pieces p
) base
LEFT JOIN campaigns k ON k.organization_id = base.organization_id AND k.id = base.campaign_id
LEFT JOIN users u ON u.id = base.created_by
WHERE base.deleted_at IS NULL;

CREATE VIEW series_progress AS
SELECT s.organization_id, s.id, s.name, s.platform, s.cadence, s.status, s.total_posts,
  (SELECT count(*) FROM content_pieces c WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL) AS piece_count,
  (SELECT count(*) FROM content_pieces c WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL AND c.status IN ('published', 'partially_published')) AS published_count,
  (SELECT min(p.next_attempt_at) FROM content_pieces c JOIN scheduled_posts p ON p.organization_id = c.organization_id AND p.content_piece_id = c.id WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL AND p.status IN ('scheduled', 'retrying')) AS next_post_at,
  (SELECT max(p.published_at) FROM content_pieces c JOIN scheduled_posts p ON p.organization_id = c.organization_id AND p.content_piece_id = c.id WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL AND p.status = 'published') AS last_published_at,
  s.created_at
FROM series s
WHERE s.deleted_at IS NULL;

CREATE VIEW user_activity_summary AS
SELECT m.organization_id, m.user_id AS id, m.user_id, u.username, u.email, u.created_at AS user_since, u.last_login_at,
  (SELECT max(s.last_activity_at) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id) AS last_activity_at,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL) AS total_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND x.status = 'active') AS active_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND x.status = 'completed') AS completed_campaigns,
  (SELECT count(*) FROM campaigns x CROSS JOIN generated_contents g WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND g.organization_id = x.organization_id AND g.campaign_id = x.id) AS total_content_generated,
  (SELECT count(*) FROM campaigns x CROSS JOIN generated_contents g WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND g.organization_id = x.organization_id AND g.campaign_id = x.id AND g.is_selected) AS selected_content_count,
  (SELECT count(*) FROM scheduled_posts x WHERE x.organization_id = m.organization_id AND x.created_by = m.user_id AND x.status = 'published') AS published_posts,
  (SELECT count(x.sent_at) FROM outreach_campaigns o CROSS JOIN messages x WHERE o.organization_id = m.organization_id AND o.created_by = m.user_id AND x.organization_id = o.organization_id AND x.outreach_campaign_id = o.id AND x.direction = 'outbound') + (SELECT count(x.sent_at) FROM messages x WHERE x.organization_id = m.organization_id AND x.created_by = m.user_id AND x.outreach_campaign_id IS NULL AND x.direction = 'outbound') AS messages_sent,
  (SELECT count(*) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id AND s.revoked_at IS NULL AND s.rotated_at IS NULL
    AND s.expires_at > strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z') AS active_session_count
FROM memberships m
JOIN users u ON u.id = m.user_id
WHERE u.deleted_at IS NULL AND m.status <> 'disabled';
