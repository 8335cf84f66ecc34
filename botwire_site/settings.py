"""The settings. Everything that a host may want to change comes from the environment, and nothing has to be set.

Each variable read here is explained in docs/self-hosting.md; a test compares the two.
"""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF

from botwire_site.secret_key import kept_secret_key
from namespaces.limits import LIMITS as LIMIT_TABLE

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DATA_DIR = Path(env.str("BOTWIRE_DATA", default=str(BASE_DIR / "data")))
SECRET_KEY = env.str("BOTWIRE_SECRET_KEY", default="") or kept_secret_key(DATA_DIR)
DEBUG = env.bool("BOTWIRE_DJANGO_DEBUG", default=False)
ALLOWED_HOSTS = env.list("BOTWIRE_ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env.list("BOTWIRE_TRUSTED_ORIGINS", default=[])
# How many proxies of the host's own stand in front, each adding one address to X-Forwarded-For.
TRUSTED_PROXIES = env.int("BOTWIRE_TRUSTED_PROXIES", default=0)
# The second factor of operators may be waived on a developer's own machine; `serve` and every page then say so.
OPERATOR_MFA = env.bool("BOTWIRE_OPERATOR_MFA", default=True)
LIMITS = {limit.name: env.int(limit.variable, default=limit.default) for limit in LIMIT_TABLE}

INSTALLED_APPS = [
    "botwire_site.console.apps.OperatorConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "botwire_site",
    "namespaces",
    "api",
]
MIDDLEWARE = [
    "api.conditional.without_length_of_304",
    "django.middleware.security.SecurityMiddleware",
    "botwire_site.people.origin_for_forms",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "botwire_site.urls"
WSGI_APPLICATION = "botwire_site.wsgi.application"
APPEND_SLASH = False  # a slash at the end of a key is part of the key
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- database

# How many requests of one web process may be at the database at once: so many of its threads, of which there are two
# more, and as many of its event loop.
DATABASE_TURNS = env.int("BOTWIRE_DATABASE_TURNS", default=8)
SQLITE_TIMEOUT = 5  # seconds that a write waits for another one
POSTGRESQL_TIMEOUT = 5  # seconds that a request waits for a connection or for a lock
_SQLITE: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": SQLITE_TIMEOUT,
    # FULL: a commit is on disk before it is answered (NORMAL syncs only at checkpoints). A checkpoint at 16 MiB of log,
    # not at 4, copies a page that is written often once for more of its writes: a set takes a twentieth less time.
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=4000"
    ),
}
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": POSTGRESQL_TIMEOUT,
    "options": f"-c synchronous_commit=on -c lock_timeout={POSTGRESQL_TIMEOUT}s -c statement_timeout=30s",
    "pool": {
        "min_size": 4,  # a first burst should not wait for connections to be made
        "max_size": DATABASE_TURNS + 1,  # one for the counts of reads
        "timeout": POSTGRESQL_TIMEOUT,
        "reconnect_timeout": POSTGRESQL_TIMEOUT,
    },
}
_database: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'botwire.sqlite3'}")
IS_POSTGRESQL = "postgresql" in _database["ENGINE"]
_database["OPTIONS"] = {**(_POSTGRESQL if IS_POSTGRESQL else _SQLITE), **_database.get("OPTIONS", {})}
_database["CONN_MAX_AGE"] = 0 if IS_POSTGRESQL else None  # PostgreSQL: the pool keeps them
if IS_POSTGRESQL:
    _database["ENGINE"] = "namespaces.postgresql"
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- a cache that all workers share, for the brakes per address and on signing in

_redis_url = env.str("REDIS_URL", default="")
IS_REDIS = bool(_redis_url)
if IS_REDIS:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _redis_url}}
else:
    CACHES = {
        "default": {
            "BACKEND": "botwire_site.cache.CountingDatabaseCache",
            "LOCATION": "botwire_cache",
            # Django's 300 would let a stranger with many addresses push everybody's counts out.
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        }
    }
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.W001"]  # it does not know our cache, whose counting is tested

# --- HTTP

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.negotiation.AlwaysJSON",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.problems.answer_exception",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "BotWire",
    "DESCRIPTION": "Shared, persistent memory for teams of AI agents.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_SETTINGS": {"defaultModelsExpandDepth": -1},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
CORS_ALLOW_ALL_ORIGINS = True
CORS_URLS_REGEX = r"^/(memory|namespaces|healthz|readyz|api)(/|$)"
CORS_ALLOW_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "prefer",
    "last-event-id",
    "x-botwire-agent",
    "x-botwire-lease",
)
CORS_EXPOSE_HEADERS = (
    "BotWire-Claim-Code",
    "BotWire-Wait",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "no-referrer"
# Behind a proxy that ends TLS: cookies only over HTTPS, and the scheme from the proxy's header.
_IS_HTTPS = env.bool("BOTWIRE_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _IS_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if _IS_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _IS_HTTPS and TRUSTED_PROXIES else None
CSRF_FAILURE_VIEW = "botwire_site.people.csrf_failure"

# --- operators: a password and a second factor, by django-allauth; no sign-up, no e-mail (see botwire_site.accounts)

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_AGE = env.int("BOTWIRE_OPERATOR_SESSION_HOURS", default=12) * 3_600
ACCOUNT_ADAPTER = "botwire_site.accounts.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]  # for allauth's own checks: nobody can sign up
ACCOUNT_SESSION_REMEMBER = True  # for as long as SESSION_COOKIE_AGE, with no checkbox
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# `key` is a name as tried from one network (see AccountAdapter), and for codes, which nobody gets to try without the
# password, an account: 240 guesses a day at a million codes. What succeeds is not counted.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/5m/ip,10/h/key"}
MFA_ADAPTER = "botwire_site.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "BotWire"

STATIC_URL = "/static/"
# The JavaScript client as it stands: the playground runs on it.
STATICFILES_DIRS = [("botwire/client", BASE_DIR / "client" / "js" / "src")]
WHITENOISE_USE_FINDERS = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "botwire": {"level": "INFO"},
        "django.request": {"level": "ERROR"},  # a refusal is not worth a line
    },
}
