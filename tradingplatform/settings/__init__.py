"""Django's settings. Everything that a deployment may change is an environment variable, listed in variables.py."""

from datetime import timedelta
from pathlib import Path

from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.domain.values import CURRENCIES as ACCOUNT_CURRENCIES
from edge.database import BoundedConnection
from edge.requests import BODY_BYTES_MAX
from tradingplatform.logging import configure_logging
from tradingplatform.settings.variables import are_local, read_variables, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = read_variables(BASE_DIR)

DATA_DIR = Path(ENVIRONMENT["TRADING_DATA_DIR"])
SECRET_KEY = ENVIRONMENT["SECRET_KEY"] or secret_key(DATA_DIR)
DEBUG = ENVIRONMENT["DEBUG"]
ALLOWED_HOSTS = ENVIRONMENT["ALLOWED_HOSTS"]
CURRENCIES = ACCOUNT_CURRENCIES
CSRF_FAILURE_VIEW = "tradingplatform.web.page.csrf_failure"
CSRF_TRUSTED_ORIGINS = ENVIRONMENT["CSRF_TRUSTED_ORIGINS"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = (
    not DEBUG and not are_local(ALLOWED_HOSTS)
    if ENVIRONMENT["SECURE_COOKIES"] is None
    else ENVIRONMENT["SECURE_COOKIES"]
)

ROOT_URLCONF = "tradingplatform.urls"
ASGI_APPLICATION = "tradingplatform.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_BYTES_MAX
FILE_UPLOAD_MAX_MEMORY_SIZE = BODY_BYTES_MAX + 1  # No body is written to a file: none is larger.
DEFAULT_EXCEPTION_REPORTER = "tradingplatform.redaction.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "tradingplatform.redaction.NothingOfTheRequest"

INSTALLED_APPS = [
    "tradingplatform.web.apps.PlatformAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "graphene_django",
    "axes",
    "eventstore",
    "market",
    "identity",
    "accounts",
    "readmodels",
    "temporal",
    "tradingplatform.kill_switch",
    "tradingplatform",
]

MIDDLEWARE = [
    "tradingplatform.web.middleware.server_timing",
    "tradingplatform.web.middleware.Security",
    "identity.rate_limits.hold_to_rate_limits",
    "tradingplatform.web.middleware.Session",
    "tradingplatform.web.middleware.Common",
    "tradingplatform.web.middleware.Csrf",
    "tradingplatform.web.middleware.Authentication",
    "tradingplatform.web.middleware.Message",
    "tradingplatform.web.middleware.XFrameOptions",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "tradingplatform" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": {
        **ENVIRONMENT["DATABASE_URL"],
        # Each request of an asynchronous server runs its queries on a thread of its own: without a pool each would
        # connect anew. Every wait has an end, so a server that is away or hangs holds nobody for ever.
        "OPTIONS": {
            **ENVIRONMENT["DATABASE_URL"].get("OPTIONS", {}),
            "pool": {
                "connection_class": BoundedConnection,
                "min_size": 1,
                "max_size": 8,
                "timeout": 3,
                "max_waiting": 64,
            },
            "connect_timeout": 3,
            "tcp_user_timeout": 10_000,
        },
    }
}
REPLICA_SECONDS_MAX = 1
for _number, _replica in enumerate(ENVIRONMENT["READ_REPLICA_URLS"], start=1):
    # A connection is tried out when it is taken from the pool; what does not answer soon is done without.
    DATABASES[f"replica_{_number}"] = {
        **_replica,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {
                "connection_class": BoundedConnection,
                "min_size": 0,
                "max_size": 8,
                "timeout": REPLICA_SECONDS_MAX,
            },
            "connect_timeout": REPLICA_SECONDS_MAX,
            "tcp_user_timeout": 2_000,
        },
        "TEST": {"MIRROR": "default"},
    }
READ_REPLICAS = [alias for alias in DATABASES if alias != "default"]
if READ_REPLICAS:
    DATABASE_ROUTERS = ["readmodels.queries.replicas.ReplicaRouter"]
    MIDDLEWARE.insert(0, "readmodels.queries.replicas.read_from_replicas")
REDIS_URL = ENVIRONMENT["REDIS_URL"]
# The client's own way is to wait 5 s and to try ten times more: nearly a minute for whoever asks a server that hangs.
# Tried once more at once, because a pooled connection may be one that a restarted server has forgotten.
_REDIS_TIMEOUTS = {"socket_timeout": 1, "socket_connect_timeout": 1}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {**_REDIS_TIMEOUTS, "retry": Retry(NoBackoff(), 1)},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, **_REDIS_TIMEOUTS, "retry": AsyncRetry(NoBackoff(), 1)}],
            "prefix": "channels",
        },
    }
}

EVENT_STORE = ENVIRONMENT["EVENT_STORE"]
EVENT_STORE_PATH = Path(ENVIRONMENT["EVENT_STORE_PATH"] or DATA_DIR / "events")
EVENT_STORE_PARTITIONS_DEFAULT = {"sqlite": 16, "dynamodb": 64}
EVENT_STORE_PARTITIONS = ENVIRONMENT["EVENT_STORE_PARTITIONS"] or EVENT_STORE_PARTITIONS_DEFAULT[EVENT_STORE]
EVENT_STORE_TABLE_PREFIX = ENVIRONMENT["EVENT_STORE_TABLE_PREFIX"]
DYNAMODB_ENDPOINT = ENVIRONMENT["DYNAMODB_ENDPOINT"]
DYNAMODB_REGION = ENVIRONMENT["DYNAMODB_REGION"]
EVENT_STORE_ACCEPTS_NEWEST_TIMESTAMP = ENVIRONMENT["EVENT_STORE_ACCEPTS_NEWEST_TIMESTAMP"]
EVENT_STORE_TAIL_EVENTS = ENVIRONMENT["EVENT_STORE_TAIL_EVENTS"]
TEMPORAL_CACHE = EVENT_STORE == "dynamodb" if ENVIRONMENT["TEMPORAL_CACHE"] is None else ENVIRONMENT["TEMPORAL_CACHE"]
WRITER_ENDPOINT = ENVIRONMENT["WRITER_ENDPOINT"]
WRITER_PROCESSES = ENVIRONMENT["WRITER_PROCESSES"]
WRITER_ACCOUNTS_MB = ENVIRONMENT["WRITER_ACCOUNTS_MB"]
WRITER_KEYS = Path(ENVIRONMENT["WRITER_KEYS"]) if ENVIRONMENT["WRITER_KEYS"] else None
COMMAND_BUS = ENVIRONMENT["COMMAND_BUS"]
EVENT_STORE_SIGNING_KEY = Path(ENVIRONMENT["EVENT_STORE_SIGNING_KEY"] or DATA_DIR / "keys" / "checkpoint-signing.pem")
CHECKPOINT_INTERVAL_SECONDS = ENVIRONMENT["CHECKPOINT_INTERVAL_SECONDS"]

EVENT_RETENTION_DAYS = ENVIRONMENT["EVENT_RETENTION_DAYS"]
ARCHIVE_PATH = Path(ENVIRONMENT["ARCHIVE_PATH"] or DATA_DIR / "archive")
ARCHIVE_S3_BUCKET = ENVIRONMENT["ARCHIVE_S3_BUCKET"]
ARCHIVE_S3_ENDPOINT = ENVIRONMENT["ARCHIVE_S3_ENDPOINT"]

MARKET_REPLAY = ENVIRONMENT["MARKET_REPLAY"]
MARKET_PUSHED_SECONDS_MAX = ENVIRONMENT["MARKET_PUSHED_SECONDS_MAX"]
MARKET_SECONDS_PER_DAY = ENVIRONMENT["MARKET_SECONDS_PER_DAY"]
VENUE_DISPLAYED_VALUE = ENVIRONMENT["VENUE_DISPLAYED_VALUE"]
MARKET_START_DATE = ENVIRONMENT["MARKET_START_DATE"]
DEMO_WEB_URL = ENVIRONMENT["DEMO_WEB_URL"]

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # For ever: a broker that was away for an hour is found again too.
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": "celery:", "socket_timeout": 10, "socket_connect_timeout": 2}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "projections"
CELERY_TASK_SERIALIZER = "json"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    # Finds what no message spoke of.
    "sweep": {"task": "readmodels.project", "schedule": 1.0, "options": {"expires": 5}},
    # Right after midnight for DAY orders, and at any time for immediate ones.
    "expire_orders": {"task": "tradingplatform.expire_orders", "schedule": 10.0, "options": {"expires": 10}},
    "sign_checkpoint": {
        "task": "tradingplatform.sign_checkpoint",
        "schedule": float(CHECKPOINT_INTERVAL_SECONDS),
        "options": {"expires": CHECKPOINT_INTERVAL_SECONDS},
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
FRONTEND_DIST = BASE_DIR / "frontend" / "dist"
STATICFILES_DIRS = [("app", FRONTEND_DIST)] if FRONTEND_DIST.exists() else []

LOGIN_URL = "/admin/login/"
SESSION_ENGINE = "identity.sessions"
SESSION_COOKIE_AGE = int(timedelta(days=7).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # First: it refuses a locked login before the password is looked at.
    "django.contrib.auth.backends.ModelBackend",
    "identity.permissions.PlatformRoleBackend",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "identity.sessions.counted_name"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # Else whoever keeps trying keeps the user out for ever.
AXES_VERBOSE = False
# The middleware of axes would only answer locked logins, which identity/sessions.py does, and be in every
# request's way.
SILENCED_SYSTEM_CHECKS = ["axes.W002"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "identity.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["edge.json.JsonBodyParser"],
    "DEFAULT_SCHEMA_CLASS": "edge.rest.DeclaredSchema",
    "EXCEPTION_HANDLER": "readmodels.api.problems.problem_handler",
    "URL_FORMAT_OVERRIDE": None,  # What is sent is said by Accept, or by the path of a file.
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Trading platform: queries",
    "DESCRIPTION": "Read models over REST. Commands go to GraphQL at /graphql, live changes come from /ws/.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "readmodels.api.problems.describe_problems",
    ],
    "ENUM_NAME_OVERRIDES": {"AccountStatusEnum": "readmodels.shapes.ACCOUNT_STATUSES"},
}
API_KEY_REQUESTS_PER_MINUTE = ENVIRONMENT["API_KEY_REQUESTS_PER_MINUTE"]
GRAPHENE = {"SCHEMA": "tradingplatform.schema.schema"}
GRAPHQL_INTROSPECTION = ENVIRONMENT["GRAPHQL_INTROSPECTION"]

LOGGING_CONFIG = None
configure_logging(format=ENVIRONMENT["LOG_FORMAT"], level=ENVIRONMENT["LOG_LEVEL"])
