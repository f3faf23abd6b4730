# Each account has no more than it needs; docs/setup-gcp.md says what each role is for.

resource "google_service_account" "runner" {
  account_id   = "retrain"
  display_name = "Runs of retrain"
}

resource "google_service_account" "builder" {
  account_id   = "retrain-builder"
  display_name = "Builds retrain's images"
}

locals {
  runner  = "serviceAccount:${google_service_account.runner.email}"
  builder = "serviceAccount:${google_service_account.builder.email}"

  submitter_roles = [
    "roles/aiplatform.user",
    "roles/logging.viewer",
    "roles/serviceusage.serviceUsageViewer",
    "roles/storage.bucketViewer",
  ]
}

# The runs' account.

resource "google_project_iam_member" "runner" {
  for_each = toset(["roles/aiplatform.user", "roles/logging.logWriter"])
  project  = var.project
  role     = each.value
  member   = local.runner
}

resource "google_storage_bucket_iam_member" "runner" {
  bucket = google_storage_bucket.retrain.name
  role   = "roles/storage.objectUser"
  member = local.runner
}

# For training on spot machines: the pipeline then starts a custom job, as the same account.
resource "google_service_account_iam_member" "runner" {
  service_account_id = google_service_account.runner.name
  role               = "roles/iam.serviceAccountUser"
  member             = local.runner
}

resource "google_storage_bucket_iam_member" "runner_annotations" {
  for_each = var.annotation_buckets
  bucket   = each.value
  role     = "roles/storage.objectViewer"
  member   = local.runner
}

# Who submits.

resource "google_project_iam_member" "submitter" {
  for_each = {
    for pair in setproduct(var.submitters, local.submitter_roles) : join(" ", pair) => pair
  }
  project = var.project
  member  = each.value[0]
  role    = each.value[1]
}

resource "google_storage_bucket_iam_member" "submitter" {
  for_each = {
    for pair in setproduct(
      var.submitters,
      setunion(var.annotation_buckets, [local.bucket]),
    ) : join(" ", pair) => pair
  }
  member = each.value[0]
  bucket = each.value[1]
  role   = "roles/storage.objectViewer"

  depends_on = [google_storage_bucket.retrain]
}

resource "google_artifact_registry_repository_iam_member" "submitter" {
  for_each   = var.submitters
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = each.value
}

resource "google_service_account_iam_member" "submitter" {
  for_each           = var.submitters
  service_account_id = google_service_account.runner.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}

# Who builds the images.

resource "google_artifact_registry_repository_iam_member" "builder" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = local.builder
}

resource "google_project_iam_member" "builder" {
  for_each = toset(["roles/logging.logWriter", "roles/storage.objectViewer"])
  project  = var.project
  role     = each.value
  member   = local.builder
}
