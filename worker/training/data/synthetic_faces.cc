#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "worker/training/data/synthetic.h"

namespace athanor::training {
namespace {

constexpr const char* kPoints[] = {"left_eye", "right_eye", "nose", "mouth_left", "mouth_right"};
constexpr double kPixelNoise = 8;  // standard deviation, of 255

struct Point {
  double x = 0;
  double y = 0;
};

// In the face's own frame: the centre of the head is the origin, y points to the chin, the head is 2 high.
struct Face {
  double half_width = 0;
  Point eye;  // the right one in the image; the left one is its mirror
  double nose = 0;
  Point mouth;                                // the right corner
  double smile = 0;                           // how far the middle of the mouth lies below its corners
  double background = 0, skin = 0, dark = 0;  // brightness in [0, 255]
};

// From pixels to the frame of the face and back: tilted by `angle`, `size` pixels a unit.
struct Pose {
  Point centre;
  double size = 0;
  double cosine = 1, sine = 0;

  Point ToFace(Point pixel) const {
    const double x = (pixel.x - centre.x) / size, y = (pixel.y - centre.y) / size;
    return {cosine * x + sine * y, -sine * x + cosine * y};
  }
  Point ToPixels(Point face) const {
    return {centre.x + size * (cosine * face.x - sine * face.y), centre.y + size * (sine * face.x + cosine * face.y)};
  }
};

Face DrawFace(Random& random) {
  Face face;
  face.half_width = Between(random, 0.7, 0.85);
  face.eye = {Between(random, 0.26, 0.36), Between(random, -0.3, -0.15)};
  face.nose = Between(random, 0.05, 0.2);
  face.mouth = {Between(random, 0.2, 0.34), Between(random, 0.4, 0.52)};
  face.smile = Between(random, -0.05, 0.12);
  face.background = Between(random, 20, 110);
  face.skin = Between(random, 150, 230);
  face.dark = Between(random, 20, 70);
  return face;
}

Pose DrawPose(double side, Random& random) {
  const double size = side * Between(random, 0.3, 0.42);
  const double angle = Between(random, -0.35, 0.35);
  const double reach = side * 0.08;
  const double middle = (side - 1) / 2;
  return {.centre = {middle + Between(random, -reach, reach), middle + Between(random, -reach, reach)},
          .size = size,
          .cosine = std::cos(angle),
          .sine = std::sin(angle)};
}

// 1 inside (distance < 0), 0 outside, a ramp of one pixel between, so that positions show to a fraction of a pixel.
double Cover(double distance, double pixels_a_unit) { return std::clamp(0.5 - distance * pixels_a_unit, 0.0, 1.0); }

double Distance(Point a, Point b) { return std::hypot(a.x - b.x, a.y - b.y); }

// How much of a dark feature lies at the point; in [0, 1].
double Features(const Face& face, Point at, double pixels_a_unit) {
  const double eyes = Cover(Distance({std::abs(at.x), at.y}, face.eye) - 0.11, pixels_a_unit);
  const double nose = Cover(Distance(at, {0, face.nose}) - 0.08, pixels_a_unit);
  const double along = std::clamp(at.x / face.mouth.x, -1.0, 1.0);
  const Point lip = {along * face.mouth.x, face.mouth.y + face.smile * (1 - along * along)};
  const double mouth = Cover(Distance(at, lip) - 0.06, pixels_a_unit);
  return std::max({eyes, nose, mouth});
}

void MakeFace(int64_t side, Random& random, RawPart& part) {
  const Face face = DrawFace(random);
  const Pose pose = DrawPose(static_cast<double>(side), random);
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      const Point at = pose.ToFace({static_cast<double>(x), static_cast<double>(y)});
      const double head = Cover(std::hypot(at.x / face.half_width, at.y) - 1, pose.size * face.half_width);
      const double skin = face.skin + (face.dark - face.skin) * Features(face, at, pose.size);
      const double pixel = face.background + (skin - face.background) * head + kPixelNoise * random.Normal();
      part.pixels.push_back(static_cast<uint8_t>(std::clamp(pixel + 0.5, 0.0, 255.0)));
    }
  }
  const Point points[] = {
      {-face.eye.x, face.eye.y}, face.eye, {0, face.nose}, {-face.mouth.x, face.mouth.y}, face.mouth};
  for (const Point& point : points) {
    const Point pixel = pose.ToPixels(point);
    part.targets.push_back(pixel.x);
    part.targets.push_back(pixel.y);
  }
}

}  // namespace

std::unique_ptr<Source> MakeSyntheticFaces(const DataOptions& options) {
  const int64_t side = SyntheticSide(options);
  RawDataset empty;
  empty.channels = 1;
  empty.height = side;
  empty.width = side;
  for (const char* point : kPoints) {
    for (const char* axis : {"_x", "_y"}) empty.target_columns.push_back(std::string(point) + axis);
  }
  return std::make_unique<SyntheticSource>("synthetic faces", options, std::move(empty),
                                           [side](Random& random, RawPart& part) { MakeFace(side, random, part); });
}

}  // namespace athanor::training
