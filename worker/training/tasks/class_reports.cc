#include "worker/training/tasks/class_reports.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include "worker/training/tasks/csv.h"

namespace athanor::training {
namespace {

// A name of usual length, three numbers, and what separates them.
constexpr size_t kUsualLineBytes = 64;

void AddLine(std::string& text, const std::string& name, std::initializer_list<double> numbers) {
  text += CsvText(name);
  for (const double number : numbers) AddCell(text, CsvNumber(number));
  text += "\n";
}

ReportFile PerClassTable(std::span<const ClassResult> results) {
  std::string text = "class,support,precision,recall,f1,roc_auc\n";
  for (const ClassResult& result : results) {
    text += CsvText(result.name);
    AddCell(text, std::to_string(result.support));
    for (const double measure : {result.Precision(), result.Recall(), result.F1()}) {
      AddCell(text, result.Seen() ? CsvNumber(measure) : "");
    }
    AddCell(text, result.roc_auc.has_value() ? CsvNumber(*result.roc_auc) : "");
    text += "\n";
  }
  return {.name = "per_class.csv", .contents = std::move(text)};
}

ReportFile RocTable(std::span<const ClassResult> results) {
  std::string text = "class,threshold,fpr,tpr\n";
  for (const ClassResult& result : results) {
    for (const RocPoint& point : result.roc) {
      AddLine(text, result.name, {point.threshold, point.false_positive_rate, point.true_positive_rate});
    }
  }
  return {.name = "roc.csv", .contents = std::move(text)};
}

ReportFile PrecisionRecallTable(std::span<const ClassResult> results) {
  std::string text = "class,threshold,recall,precision\n";
  for (const ClassResult& result : results) {
    for (const PrecisionRecallPoint& point : result.precision_recall) {
      AddLine(text, result.name, {point.threshold, point.recall, point.precision});
    }
  }
  return {.name = "pr.csv", .contents = std::move(text)};
}

}  // namespace

size_t CurvePoints(size_t classes) {
  return std::clamp<size_t>(kMaxReportBytes / kUsualLineBytes / std::max<size_t>(classes, 1), 2, kMaxCurvePoints);
}

ReportFile ConfusionTable(std::span<const ClassResult> results, std::span<const int64_t> counts) {
  const size_t classes = results.size();
  const size_t width = classes + 1;
  bool unanswered = false;
  for (size_t row = 0; row < classes; ++row) unanswered |= counts[row * width + classes] > 0;

  std::string text = "actual";
  for (const ClassResult& result : results) AddCell(text, CsvText(result.name));
  text += unanswered ? ",no answer\n" : "\n";
  for (size_t row = 0; row < classes; ++row) {
    text += CsvText(results[row].name);
    for (const int64_t count : counts.subspan(row * width, unanswered ? width : classes)) {
      AddCell(text, std::to_string(count));
    }
    text += "\n";
  }
  return {.name = "confusion.csv", .contents = std::move(text)};
}

ReportFile LabelConfusionTable(std::span<const ClassResult> results) {
  std::string text = "label,true_positives,false_positives,false_negatives,true_negatives\n";
  for (const ClassResult& result : results) {
    const int64_t missed = result.support - result.hits;
    const int64_t wrong = result.predicted - result.hits;
    text += CsvText(result.name);
    for (const int64_t count : {result.hits, wrong, missed, result.examples - result.support - wrong}) {
      AddCell(text, std::to_string(count));
    }
    text += "\n";
  }
  return {.name = "confusion.csv", .contents = std::move(text)};
}

std::vector<ReportFile> ClassReports(std::span<const ClassResult> results, ReportFile confusion) {
  std::vector<ReportFile> reports = {PerClassTable(results), std::move(confusion), RocTable(results),
                                     PrecisionRecallTable(results)};
  std::erase_if(reports, [](const ReportFile& report) { return report.contents.size() > kMaxReportBytes; });
  return reports;
}

}  // namespace athanor::training
