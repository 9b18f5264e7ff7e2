"""The tables at head, as SQLAlchemy Core sees them; the migrations make them, a test compares."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from sleepbalance.store.types import Day, Instant, Json

metadata = MetaData()


def _user() -> Column[str]:
    return Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


def _connection() -> Column[str]:
    return Column("connection_id", Text, ForeignKey("wearable_connections.id", ondelete="SET NULL"))


def _bond(*, primary_key: bool = False) -> Column[str]:
    """The connection that a row goes with, also when it goes."""
    there = ForeignKey("wearable_connections.id", ondelete="CASCADE")
    return Column("connection_id", Text, there, primary_key=primary_key, nullable=False)


def _name() -> Column[str]:
    return Column("name", Text, primary_key=True)


# -- the app's ---------------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, unique=True),  # NOT NULL at v5
    Column("password_hash", Text),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("birth_date", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("target_sleep_duration", Integer),
    Column("target_bed_time", Text),
    Column("target_wake_time", Text),
    Column("has_sleep_disorder", Integer, nullable=False, server_default="0"),
    Column("sleep_disorder_type", Text),
    Column("takes_sleep_medication", Integer, nullable=False, server_default="0"),
    Column("preferred_unit_system", Text, nullable=False, server_default="metric"),
    Column("language", Text, nullable=False, server_default="en"),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("synced_at", Text),
    Column("is_deleted", Integer, nullable=False, server_default="0"),
)

sleep_records = Table(
    "sleep_records",
    metadata,
    Column("id", Text, primary_key=True),
    _user(),
    Column("sleep_date", Day, nullable=False),
    Column("bed_time", Text),
    Column("sleep_start_time", Text),
    Column("sleep_end_time", Text),
    Column("wake_time", Text),
    Column("total_sleep_time", Integer),
    Column("deep_sleep_duration", Integer),
    Column("rem_sleep_duration", Integer),
    Column("light_sleep_duration", Integer),
    Column("awake_duration", Integer),
    Column("avg_heart_rate", Float),
    Column("min_heart_rate", Float),
    Column("max_heart_rate", Float),
    Column("avg_hrv", Float),
    Column("avg_breathing_rate", Float),
    Column("quality_rating", Text),
    Column("quality_notes", Text),
    Column("data_source", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("synced_at", Text),
    Column("is_deleted", Integer, nullable=False, server_default="0"),
    Index("idx_sleep_records_user_date", "user_id", "sleep_date"),
    Index("idx_sleep_records_quality", "user_id", "quality_rating"),
    Index("idx_sleep_records_one_per_date", "user_id", "sleep_date", unique=True),
)

# -- the seed's --------------------------------------------------------------------------------

wearable_providers = Table(
    "wearable_providers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

wearable_connections = Table(
    "wearable_connections",
    metadata,
    Column("id", Text, primary_key=True),
    _user(),
    Column("provider", Text, ForeignKey("wearable_providers.id"), nullable=False),
    Column("access_token", Text, nullable=False),
    Column("refresh_token", Text),
    Column("token_expires_at", Instant),
    Column("user_external_id", Text),
    Column("granted_scopes", Text),
    Column("is_active", Integer, nullable=False, server_default="1"),
    Column("connected_at", Instant, nullable=False),
    Column("last_sync_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("status", Text, nullable=False, server_default="connected"),
    Column("status_reason", Text),
    Column("status_since", Instant),
    Column("door", Text),
    Column("consent_expires_at", Instant),
    Column("push_token_hash", Text),
    CheckConstraint(
        "status IN ('connected', 'needs_reconnect', 'paused', 'ended', 'disconnected')",
        name="wearable_connections_status",
    ),
    UniqueConstraint("user_id", "provider"),
    Index("idx_wearable_connections_user", "user_id"),
    Index("idx_wearable_connections_provider_active", "provider", "is_active"),
)

wearable_sync_history = Table(
    "wearable_sync_history",
    metadata,
    Column("id", Text, primary_key=True),
    _user(),
    Column("provider", Text, nullable=False),
    Column("sync_date_from", Day, nullable=False),
    Column("sync_date_to", Day, nullable=False),
    Column("sync_started_at", Instant, nullable=False),
    Column("sync_completed_at", Instant),
    Column("status", Text, nullable=False),
    Column("records_fetched", Integer, nullable=False, server_default="0"),
    Column("records_inserted", Integer, nullable=False, server_default="0"),
    Column("records_updated", Integer, nullable=False, server_default="0"),
    Column("records_skipped", Integer, nullable=False, server_default="0"),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("sync_trigger", Text),
    _connection(),
    Column("lease", Text),
    Column("detail", Json),
    CheckConstraint("status IN ('success', 'failed', 'partial', 'in_progress')"),
    CheckConstraint(
        "sync_trigger IN ('manual', 'automatic', 'background', 'webhook', 'import', 'backfill')"
    ),
    Index("idx_sync_history_user_time", "user_id", "sync_started_at"),
    Index("idx_sync_history_status", "status"),
)

# -- ours --------------------------------------------------------------------------------------

raw_records = Table(
    "raw_records",
    metadata,
    _user(),
    Column("provider", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("companion", Integer, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("source_name", Text, nullable=False),
    Column("source_device", Text),
    Column("start_at", Instant),
    Column("end_at", Instant),
    Column("zone", Text),
    Column("payload", LargeBinary, nullable=False),
    Column("codec", Text, nullable=False),  # "plain" or "zlib"
    Column("problem", Text),
    Column("revised_at", Instant),
    Column("absent_since", Instant),
    Column("received_at", Instant, nullable=False),
    _connection(),
    PrimaryKeyConstraint("user_id", "provider", "account", "external_id"),
    Index(
        "idx_raw_records_span",
        "user_id",
        "provider",
        "account",
        "source_key",
        "companion",
        "start_at",
    ),
    Index("idx_raw_records_zone", "user_id", "start_at", "zone"),
)

sleep_sessions = Table(
    "sleep_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    _user(),
    Column("provider", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    _connection(),
    Column("source_key", Text, nullable=False),
    Column("source_name", Text, nullable=False),
    Column("source_device", Text),
    Column("door", Text, nullable=False),
    Column("kind", Text),
    Column("method", Text, nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("start_offset", Integer, nullable=False),  # seconds east of UTC, as resolved
    Column("end_offset", Integer, nullable=False),
    Column("zone_start", Text, nullable=False),  # as resolved
    Column("zone_end", Text, nullable=False),
    Column("zone_from", Text, nullable=False),
    Column("own_zone_start", Text),  # as the record says
    Column("own_zone_end", Text),
    Column("printed_offset", Integer),
    Column("wall_start", Text),  # only where the maker sent a clock without an offset
    Column("wall_end", Text),
    Column("sleep_start_at", Instant),
    Column("sleep_end_at", Instant),
    Column("light_seconds", Integer),
    Column("deep_seconds", Integer),
    Column("rem_seconds", Integer),
    Column("asleep_seconds", Integer),
    Column("awake_seconds", Integer),
    Column("totals", Json),  # where the maker sent totals and no hypnogram
    Column("hypnogram", Json, nullable=False),  # [[offset_s, seconds, stage], ...]
    Column("coarse", Integer, nullable=False),
    Column("parts", Json, nullable=False),  # [[offset_s, seconds], ...]
    Column("in_bed", Json, nullable=False),
    Column("vitals", Json, nullable=False),
    Column("maker", Json, nullable=False),
    Column("maker_date", Day),
    Column("provisional", Integer, nullable=False),
    Column("revised_at", Instant),
    Column("superseded_by", Text),
    Column("absent_since", Instant),
    Column("hidden_since", Instant),  # the maker withdrew it, or an export was taken at its word
    Column("sleep_date", Day),  # the date of the night that it was last derived into
    Column("payload_hash", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("user_id", "provider", "account", "external_id"),
    Index("idx_sleep_sessions_span", "user_id", "start_at", "end_at"),
    Index("idx_sleep_sessions_date", "user_id", "sleep_date"),
)

sleep_edits = Table(
    "sleep_edits",
    metadata,
    Column("id", Text, primary_key=True),
    _user(),
    Column("kind", Text, nullable=False),
    Column("value", Json, nullable=False),
    Column("start_at", Instant),
    Column("end_at", Instant),
    Column("wall_start", Text),  # a span on the wall clock: resolved like a session's
    Column("wall_end", Text),
    Column("sleep_date", Day),
    Column("made_at", Instant, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("undone_at", Instant),
    CheckConstraint(
        "kind IN ('times', 'not_sleep', 'added', 'kind', 'source', 'rating', 'notes')",
        name="sleep_edits_kind",
    ),
    Index("idx_sleep_edits_user", "user_id"),
)

night_details = Table(
    "night_details",
    metadata,
    _user(),
    Column("sleep_date", Day, nullable=False),
    Column("time_in_bed", Integer),  # minutes, like every duration here
    Column("sleep_onset_latency", Integer),
    Column("latency_to_arising", Integer),
    Column("sleep_period", Integer),
    Column("unspecified_sleep_duration", Integer),
    Column("restless_duration", Integer),
    Column("unmeasured_duration", Integer),
    Column("gap_duration", Integer),
    Column("nap_duration", Integer),
    Column("sleep_24h", Integer),
    Column("awakenings", Integer),
    Column("sleep_efficiency", Float),  # percent
    Column("sleep_maintenance_efficiency", Float),
    Column("mid_sleep", Text),  # ISO 8601 with the local offset
    Column("awake_scope", Text),
    Column("avg_hrv_sdnn", Float),
    Column("avg_spo2", Float),
    Column("min_spo2", Float),
    Column("parts", Json, nullable=False),
    Column("naps", Json, nullable=False),
    Column("other_main_sleeps", Json, nullable=False),
    Column("alternatives", Json, nullable=False),
    Column("evening_date", Day),
    Column("provider_date", Day),
    Column("zone", Text),
    Column("zone_from", Text),
    Column("provisional", Integer, nullable=False),
    Column("edited", Json, nullable=False),  # fields that the person's word decided
    Column("provider", Text),
    Column("account", Text),
    Column("source_key", Text),
    Column("source_name", Text),
    Column("sessions", Json, nullable=False),  # ids of the sleep_sessions that make the night
    Column("why", Text),
    Column("provenance", Json, nullable=False),
    Column("rules_version", Text, nullable=False),
    Column("row_hash", Text, nullable=False),  # of the sleep_records row as we left it
    Column("derived_at", Instant, nullable=False),
    Column("avg_skin_temperature", Float),  # °C, since v101
    PrimaryKeyConstraint("user_id", "sleep_date"),
)

sync_windows = Table(
    "sync_windows",
    metadata,
    Column("id", Text, primary_key=True),
    _bond(),
    Column("date_from", Day, nullable=False),
    Column("date_to", Day, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt_id", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant),
    CheckConstraint(
        "state IN ('wanted', 'asked', 'fetched', 'refused')", name="sync_windows_state"
    ),
    Index("idx_sync_windows_connection", "connection_id", "date_from"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("until", Instant, nullable=False),
)

people_zones = Table(
    "people_zones",
    metadata,
    _user(),
    Column("date_from", Day, nullable=False),
    Column("zone", Text),  # NULL: from here on the person has said nothing
    PrimaryKeyConstraint("user_id", "date_from"),
)

source_order = Table(
    "source_order",
    metadata,
    _user(),
    Column("position", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("source_key", Text),  # NULL: every source of that provider and account
    PrimaryKeyConstraint("user_id", "position"),
)

oauth_states = Table(  # a login under way
    "oauth_states",
    metadata,
    Column("state_hash", Text, primary_key=True),  # SHA-256 of what the maker sends back
    _user(),
    Column("provider", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("verifier", Text, nullable=False),  # PKCE's, sealed; "" without
    Column("expires_at", Instant, nullable=False),
)

token_refreshes = Table(  # a refresh that was sent, and not answered yet
    "token_refreshes",
    metadata,
    _bond(primary_key=True),
    Column("token_hash", Text, nullable=False),  # SHA-256 of the refresh token that was sent
    Column("sent_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False, server_default="1"),
)

# A maker asked us to wait; named "user:<connection id>" or "app:<provider>".
pauses = Table("pauses", metadata, _name(), Column("until", Instant, nullable=False))
about = Table("about", metadata, _name(), Column("value", Text, nullable=False))  # what it is for
