"""What is asked: sign in, refresh, who am I."""

from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView


class Me(APIView):
    def get(self, request):
        user = request.user
        names = ("id", "email", "username", "first_name", "last_name")
        return Response({name: getattr(user, name) for name in names})


urlpatterns = [
    path("token/", TokenObtainPairView.as_view()),
    path("token/refresh/", TokenRefreshView.as_view()),
    path("me/", Me.as_view()),
]
