import { type Box, boxOf, type Cell, cellOf, neighbor, type Place, STEPS } from "./geohash.js";
import { arcsine, cosine, sine } from "./trigonometry.js";

const EARTH_RADIUS_M = 6372797.560856;
/** Half the circumference of the equator in the projection that the grid follows. */
const MERCATOR_MAX = 20037726.37;
const DEGREE = Math.PI / 180;

/** What is searched around a place: a circle or a box. Lengths are in units of `unitM` meters. */
export type Shape = { readonly center: Place; readonly unitM: number } & (
  | { readonly radius: number }
  | { readonly width: number; readonly height: number }
);

/** Meters along the great circle. */
export function distanceM(from: Place, to: Place): number {
  const v = sine((to.longitude * DEGREE - from.longitude * DEGREE) / 2);
  if (v === 0) return latitudeDistanceM(from, to);
  const fromLatitude = from.latitude * DEGREE;
  const toLatitude = to.latitude * DEGREE;
  const u = sine((toLatitude - fromLatitude) / 2);
  return 2 * EARTH_RADIUS_M * arcsine(Math.sqrt(u * u + cosine(fromLatitude) * cosine(toLatitude) * v * v));
}

function latitudeDistanceM(from: Place, to: Place): number {
  return EARTH_RADIUS_M * Math.abs(to.latitude * DEGREE - from.latitude * DEGREE);
}

/** How far a place is from the center, in meters, if it lies in the shape; else null. */
export function distanceWithin(shape: Shape, place: Place): number | null {
  const { center, unitM } = shape;
  if ("radius" in shape) {
    const distance = distanceM(center, place);
    return distance > shape.radius * unitM ? null : distance;
  }
  if (latitudeDistanceM(place, center) > (shape.height * unitM) / 2) return null;
  const across = distanceM(place, { longitude: center.longitude, latitude: place.latitude });
  return across > (shape.width * unitM) / 2 ? null : distanceM(center, place);
}

/** The sides of the smallest box around a shape. */
function boundsOf(shape: Shape): Box {
  const { center, unitM } = shape;
  const halfHeight = unitM * ("radius" in shape ? shape.radius : shape.height / 2);
  const halfWidth = unitM * ("radius" in shape ? shape.radius : shape.width / 2);
  const up = halfHeight / EARTH_RADIUS_M / DEGREE;
  // A circle of latitude is shorter towards the pole: that side of the box decides.
  const edge = center.latitude < 0 ? center.latitude - up : center.latitude + up;
  const across = halfWidth / EARTH_RADIUS_M / cosine(edge * DEGREE) / DEGREE;
  return {
    west: center.longitude - across,
    east: center.longitude + across,
    south: center.latitude - up,
    north: center.latitude + up,
  };
}

/** Halvings that make cells about as large as the area. */
function stepsFor(radiusM: number, latitude: number): number {
  if (radiusM === 0) return STEPS;
  let steps = 1;
  for (let range = radiusM; range < MERCATOR_MAX; range *= 2) steps++;
  steps -= 2;
  if (Math.abs(latitude) > 66) steps--;
  if (Math.abs(latitude) > 80) steps--;
  return Math.max(1, Math.min(STEPS, steps));
}

/**
 * The cells that cover a shape: that of the center, and those of its eight neighbours that can hold any of it, in the
 * order in which Redis looks into them.
 */
export function cellsCovering(shape: Shape): Cell[] {
  const { center, unitM } = shape;
  const bounds = boundsOf(shape);
  const radius =
    "radius" in shape
      ? shape.radius
      : Math.sqrt((shape.width / 2) * (shape.width / 2) + (shape.height / 2) * (shape.height / 2));
  let steps = stepsFor(radius * unitM, center.latitude);
  let cell = cellOf(center, steps);
  if (steps > 1 && !reaches(cell, bounds)) cell = cellOf(center, --steps);
  const box = boxOf(cell);
  // Where a side of the cell lies beyond the shape, nothing is to be found on the other side of it.
  const trim = steps >= 2;
  const south = !(trim && box.south < bounds.south);
  const north = !(trim && box.north > bounds.north);
  const west = !(trim && box.west < bounds.west);
  const east = !(trim && box.east > bounds.east);
  const wanted: readonly (readonly [boolean, number, number])[] = [
    [true, 0, 0],
    [north, 0, 1],
    [south, 0, -1],
    [east, 1, 0],
    [west, -1, 0],
    [north && east, 1, 1],
    [north && west, -1, 1],
    [south && east, 1, -1],
    [south && west, -1, -1],
  ];
  return wanted.filter(([use]) => use).map(([, columns, rows]) => neighbor(cell, columns, rows));
}

/** Whether a cell and its neighbours go as far as the bounds in each direction. */
function reaches(cell: Cell, bounds: Box): boolean {
  return (
    boxOf(neighbor(cell, 0, 1)).north >= bounds.north &&
    boxOf(neighbor(cell, 0, -1)).south <= bounds.south &&
    boxOf(neighbor(cell, 1, 0)).east >= bounds.east &&
    boxOf(neighbor(cell, -1, 0)).west <= bounds.west
  );
}
