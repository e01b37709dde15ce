export {
  type Cloud,
  type CloudOptions,
  type CloudPorts,
  CloudStartError,
  type CloudTuning,
  startCloud,
} from './cloud.ts'
export { LogFile } from './log-file.ts'
