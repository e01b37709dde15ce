import { keepsNoDeviceOut } from './junk-activations.ts'

keepsNoDeviceOut(40, 4, 30_000)
