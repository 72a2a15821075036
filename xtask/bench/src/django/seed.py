"""Makes the database and so many accounts, and prints a session of each as JSON: seed.py COUNT PASSWORD"""

import json
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management import call_command
from rest_framework_simplejwt.tokens import RefreshToken

count, password = int(sys.argv[1]), sys.argv[2]
call_command("migrate", verbosity=0)
# One hash for all: checking it takes as long as if each had its own.
hashed = make_password(password)
names = [f"bench{at}" for at in range(count)]
accounts = [User(username=name, email=f"{name}@example.com", password=hashed) for name in names]
User.objects.bulk_create(accounts)
sessions = []
for user in User.objects.all():
    refresh = RefreshToken.for_user(user)
    sessions.append({"name": user.username, "access": str(refresh.access_token), "refresh": str(refresh)})
json.dump(sessions, sys.stdout)
