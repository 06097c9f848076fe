"""REST paths of time travel, included under api/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
