import { stageDefaults } from '../../lib/stage.ts'
import { harmsNoOtherProvider } from './garbage-recipients.ts'

harmsNoOtherProvider({
  seconds: 20,
  rate: stageDefaults.providerRatePerSecond,
  environments: 4,
})
