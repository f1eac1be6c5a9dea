// Results by class as text. No LibTorch here.
//
// Class names are quoted where CSV wants it; what is not defined is an empty cell.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/training/tasks/class_results.h"
#include "worker/training/tasks/report_file.h"

namespace athanor::training {

inline constexpr size_t kMaxCurvePoints = 200;

// So many points a class that the curves of all classes fit into a report: kMaxCurvePoints, or fewer of very many
// classes, at least 2.
size_t CurvePoints(size_t classes);

// confusion.csv. `counts` [classes][classes + 1], row by row: how many examples of the row's class were taken for the
// column's; the last column counts examples without a finite output and is shown, as "no answer", if there are any. The
// first line holds "actual" and the predicted classes, each other one a class and its counts.
ReportFile ConfusionTable(std::span<const ClassResult> results, std::span<const int64_t> counts);

// confusion.csv of independent labels: label,true_positives,false_positives,false_negatives,true_negatives
ReportFile LabelConfusionTable(std::span<const ClassResult> results);

// The reports of a task with classes or labels, without those that would be larger than kMaxReportBytes:
//   per_class.csv  class,support,precision,recall,f1,roc_auc
//   confusion.csv  as given
//   roc.csv        class,threshold,fpr,tpr
//   pr.csv         class,threshold,recall,precision
std::vector<ReportFile> ClassReports(std::span<const ClassResult> results, ReportFile confusion);

}  // namespace athanor::training
