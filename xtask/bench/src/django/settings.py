"""The smallest site with JSON accounts: Django REST framework and SimpleJWT, what `GET /me/` and refreshing need."""

from datetime import timedelta
from pathlib import Path

SECRET_KEY = "for the time of a measurement, on loopback, and for nothing else"
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
]
# Nothing of what the usual ones do (sessions, CSRF, frames) is needed by an API with tokens, and each costs time.
MIDDLEWARE = []
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(__file__).parent / "site.db",
        # A connection for each thread, kept: opening one for every request costs more than what is asked of it.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # As durable as Doorward has it.
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
            # A transaction that begins by reading may be refused when it comes to write.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
    }
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
SIMPLE_JWT = {
    # Longer than a measurement.
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}
