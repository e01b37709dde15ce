/** A resolve hook: the packages' sources instead of what they are built to, as `--conditions=heliograph`. */
export function resolve(specifier, context, next) {
  return next(specifier, { ...context, conditions: [...context.conditions, 'heliograph'] })
}
