# What docs/setup-gcp.md does by hand: services, bucket, image repository, accounts, roles.
#
#   terraform init
#   terraform apply -var project=my-project -var submitters='["group:team@example.org"]'

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

resource "google_project_service" "needed" {
  for_each = toset([
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
  ])
  service            = each.value
  disable_on_destroy = false
}

locals {
  bucket = coalesce(var.bucket, "${var.project}-retrain")
}

resource "google_storage_bucket" "retrain" {
  name                        = local.bucket
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # No rule deletes old objects: models/ is what a rollback needs, and Vertex AI's cache takes
  # outputs of old runs without looking whether they are still there.

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "retrain"
  location      = var.region
  format        = "DOCKER"
  depends_on    = [google_project_service.needed]
}
