import { keepsNoDeviceOut } from './junk-activations.ts'

keepsNoDeviceOut(150, 12, 10_000)
